// Comparing entries: from which items each solves, by the formulas of harness/scoring (binary, clusters, sign_flip).
{
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
  const STEP = Math.PI / 8000;
  const beta = (a, b) => {
    const logs = range(4000).map((k) => (2 * a - 1) * Math.log(Math.sin((k + 0.5) * STEP)) + (2 * b - 1) * Math.log(Math.cos((k + 0.5) * STEP)));
    const top = Math.max(...logs);
    const up = [0];
    for (const log of logs) up.push(up.at(-1) + Math.exp(log - top));
    return up.map((each) => each / up[4000]);
  };
  const interval = (won, lost, n) => {
    const [moved, share] = [beta(won + lost + 1, Math.max(n - won - lost, 0) + 1), beta(won + 0.5, lost + 0.5)];
    const quantiles = nodes.map(([p, weight]) => {
      const k = moved.findIndex((each) => each > p);
      return [Math.sin((k - (moved[k] - p) / (moved[k] - moved[k - 1])) * STEP) ** 2, weight];
    });
    const below = (delta) => sum(quantiles.map(([most, weight]) => {
      const t = Math.asin(Math.sqrt(Math.min(Math.max((delta / most + 1) / 2, 0), 1))) / STEP;
      const k = Math.min(Math.floor(t), 3999);
      return weight * (share[k] + (t - k) * (share[k + 1] - share[k]));
    }));
    return [0.025, 0.975].map((p) => {
      let delta = 0;
      for (let half = 0.5; half > 1e-7; half /= 2) delta += below(delta) < p ? half : -half;
      return delta;
    });
  };
  const flip = (sums) => {
    const sizes = sums.map(Math.abs).filter(Boolean);
    const seen = Math.abs(sum(sums));
    let chances = [1];
    for (const size of sizes) chances = range(chances.length + size).map((k) => ((chances[k] || 0) + (chances[k - size] || 0)) / 2);
    return seen ? Math.min(Math.max(2 * sum(chances.slice((sum(sizes) + seen) / 2)), 2 ** (1 - sizes.length)), 1) : 1;
  };
  const test = ({ start, n, clusters, wider }, one, other) => {
    const each = range(Number(n)).map((k) => other(k + Number(start)) - one(k + Number(start)));
    const labels = clusters ? clusters.split(" ") : each.keys();
    const [sums, sizes] = [[], []];
    [...labels].forEach((label, k) => {
      sums[label] = (sums[label] || 0) + each[k];
      sizes[label] = (sizes[label] || 0) + 1;
    });
    const [lost, won] = [-1, 1].map((sign) => each.filter((d) => d === sign).length);
    const delta = (won - lost) / n;
    const spread = (values, weights) => sum(values.map((value, k) => (value - weights[k] * delta) ** 2)) / (1 - 1 / values.length);
    const whole = sum(sizes.map((m) => m * m)) / n;
    const ratio = spread(sums, sizes) / spread(each, each.map(() => 1));
    const worth = wider * Math.max(ratio ? (ratio * (won + lost) + whole) / (won + lost + 1) : whole, 1);
    return { delta, p: flip(sums), ci: worth ? interval(won / worth, lost / worth, n / worth) : [] };
  };
  // Numbers as Python writes them: of two equally near, the even one.
  const tenth = (value) => {
    const size = Math.abs(value * 100);
    return (size - ((size * 4) % 4 === 1 ? 0.01 : 0)).toFixed(1);
  };
  const points = (value) => (tenth(value) === "0.0" ? "" : value < 0 ? "\u2212" : "+") + tenth(value);
  const SAME = "no difference shown";

  const picks = all("[data-pick]");
  const draw = () => {
    const chosen = picks.map((pick) => pick.selectedOptions[0]).filter((option) => option?.value);
    const most = chosen.length;
    box.hidden = most < 2;
    if (box.hidden) return;
    // The table has a column for each that may be chosen, and shows as many as are.
    box.dataset.beside = most;
    const common = bits(box.dataset.common);
    const solved = chosen.map(({ dataset }) => {
      const own = bits(dataset.solved);
      return (at) => own(at) ^ common(at);
    });
    const say = (row, at, ...texts) => {
      const cell = row.cells[at + 1];
      texts.forEach((text, k) => { cell.children[k].textContent = text; });
      for (const word of all("em", cell)) word.className = /^(no|$)/.test(texts[2]) ? "" : "shown";
      return cell.children;
    };
    chosen.forEach((option, at) => {
      const { apart, numbers, recipe, href } = option.dataset;
      say(one("thead tr", box), at, "ABCD"[at], option.text, recipe)[1].href = href;
      all("[data-axis]", box).forEach((row, axis) => {
        const [value, ci] = numbers.split("|").slice(2 * axis);
        // A gain is compared where there is a retention too.
        const there = [option, chosen[0]].every(({ dataset }) => dataset.apart && dataset.numbers.split("|")[2 * axis || 2] !== "\u2013");
        const differs = bits(apart)(axis * (picks[0].length - 1) + chosen[0].index - 1);
        say(row, at, value, ci, at ? (!there ? "not tested" : differs ? "differs" : SAME) : "");
      });
    });
    const tasks = all("[data-task]", box);
    const found = tasks.map((row) => solved.slice(1).map((other) => test(row.dataset, solved[0], other)));
    let p = 0;
    found.flat().sort((a, b) => a.p - b.p).forEach((each, k, { length }) => {
      p = each.p = Math.max(p, Math.min(each.p * (length - k), 1));
    });
    const end = Math.ceil(100 * Math.max(...found.flat().flatMap(({ delta, ci }) => [delta, ...ci]).map(Math.abs)));
    one("[data-end]", box).textContent = end;
    tasks.forEach((row, k) => {
      const { start, n, ids, page } = row.dataset;
      const by = {};
      ids.split(" ").forEach((id, item) => {
        const who = [..."ABCD"].filter((_, at) => at < most && solved[at](item + Number(start)));
        (by[who.join(", ")] ||= []).push(id);
      });
      solved.forEach((_, at) => {
        const share = sum(Object.entries(by).map(([who, items]) => who.includes("ABCD"[at]) * items.length)) / n;
        if (!at) return say(row, at, tenth(share) + "\u00a0%");
        const { delta, ci, p } = found[k][at - 1];
        const word = p >= 0.05 || !delta ? SAME : delta > 0 ? "higher" : "lower";
        const between = ci.length ? " [" + ci.map(points).join(", ") + "]" : "";
        const chance = p < 0.001 ? "<\u00a00.001" : p.toFixed(3);
        const [, , , drawing] = say(row, at, tenth(share) + "\u00a0%", points(delta) + between, word + ", p " + chance);
        drawing.setAttribute("viewBox", [-end, -6, 2 * end, 12]);
        const [low, high, middle] = [ci[0] ?? delta, ci[1] ?? delta, delta].map((value) => (100 * value).toFixed(1));
        drawing.lastChild.setAttribute("d", "M" + low + " 0H" + high + "M" + middle + "-5v10");
      });
      const part = all("details", box)[k];
      delete by[""];
      delete by[[..."ABCD"].slice(0, most).join(", ")];
      one("span", part).textContent = Object.values(by).flat().length + " of " + n;
      one("div", part).replaceChildren(...Object.keys(by).sort().map((who) => {
        const line = make("p", { textContent: "Solved by " + who + " only: " + by[who].length });
        for (const id of by[who]) line.append(" ", make("a", { href: page + "." + id.replace(".", ".html#"), textContent: id.split(".")[1] }));
        return line;
      }));
    });
  };
  if (box) {
    const wanted = (view.get("of") || box.dataset.of).split(",");
    picks[0].closest("[hidden]").hidden = false;
    picks.forEach((pick, at) => {
      if (at) pick.append(...[...picks[0]].slice(1).map((option) => option.cloneNode(true)));
      pick.value = wanted[at] || "";
      pick.onchange = () => {
        draw();
        keep("of", picks.map(({ value }) => value).filter(Boolean).join(","));
      };
    });
    draw();
  }
}
