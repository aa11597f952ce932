// Comparing entries: from which items each solves, by the formulas of harness/scoring (binary, clusters, sign_flip).
{
  const { abs, asin, ceil, cos, exp, floor, log, max, min, PI, sin, sqrt } = Math;
  const box = one("[data-beside]");
  // The interval's quadrature: nodes and weights.
  const nodes = box ? box.dataset.nodes.split(",").map((pair) => pair.split(" ").map(Number)) : [];
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const range = (n) => [...Array(n).keys()];
  const bits = (text) => {
    const bytes = atob(text);
    return (at) => (bytes.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1;
  };
  // A beta distribution summed up over the angle whose squared sine is the share: smooth wherever it lies.
  const STEP = PI / 8000;
  const beta = (a, b) => {
    const logs = range(4000).map((k) => (2 * a - 1) * log(sin((k + 0.5) * STEP)) + (2 * b - 1) * log(cos((k + 0.5) * STEP)));
    const top = max(...logs);
    const up = [0];
    for (const each of logs) up.push(up.at(-1) + exp(each - top));
    return up.map((each) => each / up[4000]);
  };
  const interval = (won, lost, n) => {
    const [moved, share] = [beta(won + lost + 1, max(n - won - lost, 0) + 1), beta(won + 0.5, lost + 0.5)];
    const quantiles = nodes.map(([p, weight]) => {
      const k = moved.findIndex((each) => each > p);
      return [sin((k - (moved[k] - p) / (moved[k] - moved[k - 1])) * STEP) ** 2, weight];
    });
    const below = (delta) => sum(quantiles.map(([most, weight]) => {
      const t = asin(sqrt(min(max((delta / most + 1) / 2, 0), 1))) / STEP;
      const k = min(floor(t), 3999);
      return weight * (share[k] + (t - k) * (share[k + 1] - share[k]));
    }));
    return [0.025, 0.975].map((p) => {
      let delta = 0;
      for (let half = 0.5; half > 1e-7; half /= 2) delta += below(delta) < p ? half : -half;
      return delta;
    });
  };
  const flip = (sums) => {
    const sizes = sums.map(abs).filter(Boolean);
    const seen = abs(sum(sums));
    let chances = [1];
    for (const size of sizes) chances = range(chances.length + size).map((k) => ((chances[k] || 0) + (chances[k - size] || 0)) / 2);
    return seen ? min(max(2 * sum(chances.slice((sum(sizes) + seen) / 2)), 2 ** (1 - sizes.length)), 1) : 1;
  };
  const test = (one, other, { clusters, wider }) => {
    const n = one.length;
    const each = one.map((right, k) => other[k] - right);
    const [sums, sizes] = [[], []];
    (clusters ? clusters.split(" ") : range(n)).forEach((label, k) => {
      sums[label] = (sums[label] || 0) + each[k];
      sizes[label] = (sizes[label] || 0) + 1;
    });
    const [lost, won] = [-1, 1].map((sign) => each.filter((d) => d === sign).length);
    const delta = (won - lost) / n;
    const spread = sum(sums.map((value, k) => (value - sizes[k] * delta) ** 2)) / (1 - 1 / sums.length);
    const whole = sum(sizes.map((m) => m * m)) / n;
    const ratio = spread / ((won + lost - n * delta * delta) / (1 - 1 / n));
    const worth = wider * max(ratio ? (ratio * (won + lost) + whole) / (won + lost + 1) : whole, 1);
    return { delta, p: flip(sums), ci: worth ? interval(won / worth, lost / worth, n / worth) : [] };
  };
  // Numbers as Python writes them: of two equally near, the even one.
  const tenth = (value) => {
    const size = abs(value * 100);
    return (size - ((size * 4) % 4 === 1 ? 0.01 : 0)).toFixed(1);
  };
  const points = (value) => (tenth(value) === "0.0" ? "" : value < 0 ? "\u2212" : "+") + tenth(value);
  const SAME = "no difference shown";

  const picks = all("[data-pick]");
  const draw = () => {
    const chosen = picks.filter((pick) => pick.value).map((pick) => pick.selectedOptions[0]);
    // The table has a column for each that may be chosen, and shows as many as are.
    const letters = [..."ABCD"].slice(0, chosen.length);
    box.dataset.beside = chosen.length;
    box.hidden = !chosen[1];
    if (box.hidden) return;
    const common = bits(box.dataset.common);
    const solved = chosen.map(({ dataset }) => bits(dataset.solved));
    const say = (row, at, ...texts) => {
      const { children } = row.cells[at + 1];
      texts.forEach((text, k) => (children[k].textContent = text));
      if (children[2]) children[2].className = /^(no|$)/.test(texts[2]) ? "" : "shown";
      return children;
    };
    chosen.forEach((option, at) => {
      const { numbers, recipe } = option.dataset;
      say(one("thead tr", box), at, letters[at], option.text, recipe)[1].href = "../entries/" + option.value + ".html";
      all("[data-axis]", box).forEach((row, axis) => {
        // An entry that differs from itself is one that was tested.
        const differs = (from, to) => bits(from.dataset.apart)(axis * (picks[0].length - 1) + to.index - 1);
        const tested = differs(option, option) && differs(chosen[0], chosen[0]);
        const [value, ci] = numbers.split("|").slice(2 * axis);
        say(row, at, value, ci, !at ? "" : !tested ? "not tested" : differs(option, chosen[0]) ? "differs" : SAME);
      });
    });
    const tasks = all("[data-task]", box).map((row) => {
      const { start, n } = row.dataset;
      const right = solved.map((own) => range(+n).map((k) => own(k + +start) ^ common(k + +start)));
      return { row, right, found: right.slice(1).map((other) => test(right[0], other, row.dataset)) };
    });
    const every = tasks.flatMap((task) => task.found).sort((a, b) => a.p - b.p);
    every.forEach((each, k) => (each.p = max(every[k - 1]?.p || 0, min(each.p * (every.length - k), 1))));
    const end = ceil(100 * max(...every.flatMap(({ delta, ci }) => [delta, ...ci]).map(abs)));
    one("[data-end]", box).textContent = end;
    tasks.forEach(({ row, right, found }, task) => {
      const { n, ids, pages, texts } = row.dataset;
      right.forEach((mine, at) => {
        const share = tenth(sum(mine) / n) + "\u00a0%";
        if (!at) return say(row, at, share);
        const { delta, ci, p } = found[at - 1];
        const word = p >= 0.05 || !delta ? SAME : delta > 0 ? "higher" : "lower";
        const between = ci.length ? " [" + ci.map(points).join(", ") + "]" : "";
        const drawing = say(row, at, share, points(delta) + between, word + ", p " + (p < 0.001 ? "<\u00a00.001" : p.toFixed(3)))[3];
        const [middle, low, high] = [delta, ci[0] ?? delta, ci[1] ?? delta].map((value) => (1e4 * value / end).toFixed(1));
        drawing.lastChild.setAttribute("d", "M" + low + " 0H" + high + "M" + middle + "-5v10");
      });
      const by = {};
      ids.split(" ").forEach((id, item) => {
        const who = letters.filter((_, at) => right[at][item]);
        if (!who[0] || who.length === letters.length) return;
        // Pages of items are numbered from 1.
        const href = pages.replace(/1\.html$/, 1 + floor(item / box.dataset.part) + ".html#" + id);
        (by[who.join(", ")] ||= []).push(make("a", { href, dir: "auto", textContent: texts ? texts.split("\n")[item] : id }));
      });
      const part = all("details", box)[task];
      one("span", part).textContent = Object.values(by).flat().length + " of " + n;
      one("div", part).replaceChildren(...Object.keys(by).sort().map((who) => {
        const line = make("p");
        line.append(make("b", { textContent: "Solved by " + who + " only: " + by[who].length }), ...by[who]);
        return line;
      }));
    });
  };
  if (box) {
    const wanted = (view.get("of") || box.dataset.of).split(",");
    picks[0].closest("[hidden]").hidden = false;
    picks.forEach((pick, at) => {
      if (at) pick.append(...[...picks[0].cloneNode(true)].slice(1));
      pick.value = wanted[at] || "";
      pick.onchange = () => {
        draw();
        keep("of", picks.map(({ value }) => value).filter(Boolean).join(","));
      };
    });
    draw();
  }
}
