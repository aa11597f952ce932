"""The checker: pairs of a gold answer and what was stated, with the verdict that a careful reader gives."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.answers import mathematics
from harness.answers.mathematics import equivalent, judge_math
from harness.records.samples import Outcome
from harness.sandbox import Limits, Sandbox, SandboxError

C, W, U = "correct", "wrong", "unparsed"
N = "not correct"

PAIRS = [
    # whole numbers and decimals
    ("18", "18", C),
    ("18", "18.0", C),
    ("18", "18.", C),
    ("18", "+18", C),
    ("18", "018", C),
    ("18", "17", W),
    ("18", "-18", W),
    ("-18", "\u221218", C),
    ("-18", "-18", C),
    ("-18", "minus eighteen", C),
    ("0", "-0", C),
    ("0", "0.00", C),
    ("0.3", "0.30000001", W),
    ("0.3", ".3", C),
    ("3.5", "7/2", C),
    # thousands
    ("1234567", "1,234,567", C),
    ("1,234", "1234", C),
    ("1234", "1 234", C),
    ("1234", "1\u202f234", C),
    ("1234", "1{,}234", C),
    ("1234", "1\\,234", C),
    ("1234", "1,23,4", U),
    ("1000000", "1.000.000", C),
    # fractions and mixed numbers
    ("\\frac{1}{2}", "1/2", C),
    ("\\frac{1}{2}", "0.5", C),
    ("\\frac{1}{2}", "\\dfrac12", C),
    ("\\frac{1}{2}", "\\frac{2}{4}", C),
    ("\\frac{1}{2}", "-\\frac{1}{2}", W),
    ("-\\frac{3}{2}", "\\frac{-3}{2}", C),
    ("-\\frac{3}{2}", "-1\\frac{1}{2}", C),
    ("1\\frac{1}{2}", "3/2", C),
    ("1.5", "1 1/2", C),
    ("2.5", "2½", C),
    ("\\frac{1}{3}", "0.333333", C),
    ("\\frac{1}{3}", "0.33", W),
    ("\\frac{2}{3}", "0.6666667", C),
    ("\\frac{1}{3}", "0.\\overline{3}", C),
    ("0.\\overline{12}", "\\frac{4}{33}", C),
    ("\\frac{3}{4}", "3 : 4", C),
    ("5", "\\frac{1}{0}", W),
    # per cent
    ("50", "50%", C),
    ("50\\%", "50", C),
    ("50\\%", "0.5", C),
    ("0.5", "50 percent", C),
    ("50%", "50 \\%", C),
    ("50%", "5%", W),
    ("50%", "0.5%", W),
    # money and units
    ("18", "$18", C),
    ("18", "\\$18", C),
    ("18", "$18.00", C),
    ("18", "18 dollars", C),
    ("18", "$18 per day", C),
    ("1234.5", "\\$1,234.50", C),
    ("18", "€18", C),
    ("18", "18 €", C),
    ("-5", "-$5", C),
    ("5", "5 cm", C),
    ("5", "5cm", C),
    ("5\\text{ cm}", "5", C),
    ("5", "5\\text{ cm}^2", C),
    ("5", "5 m^2", C),
    ("9.8", "9.8 m/s^2", C),
    ("9.8", "9.8\\ \\mathrm{m\\,s^{-2}}", C),
    ("90", "90^\\circ", C),
    ("90^\\circ", "90 degrees", C),
    ("90", "90°", C),
    ("80", "80 km/h", C),
    ("3", "3 hours 30 minutes", U),
    ("18", "She makes $18 every day", C),
    ("18", "18, because 9 * 2 is eighteen", U),
    ("18", "18, as she sells the rest", C),
    ("18", "18 (eighteen)", C),
    ("18", "9 * 2 = 18", C),
    ("18", "9 * 2 = $18 a day", C),
    ("18", "x = 18", C),
    ("18", "x \\approx 18", C),
    # number words and large numbers
    ("5", "five", C),
    ("5", "Five apples", C),
    ("25", "twenty-five", C),
    ("105", "one hundred and five", C),
    ("2000000", "two million", C),
    ("1500000", "1.5 million", C),
    ("1.5", "1.5 million", W),
    ("2", "two and a half", W),
    ("2.5", "two and a half", C),
    ("1", "one of them", U),
    ("5", "six", W),
    # scientific notation
    ("6.02e23", "6.02 \\times 10^{23}", C),
    ("602000000000000000000000", "6.02×10²³", C),
    ("0.001", "1e-3", C),
    ("0.001", "10^{-3}", C),
    ("5000", "5 x 10^3", C),
    ("5000", "5 x 10^4", W),
    # digits of other scripts
    ("5", "\uff15", C),
    ("345", "٣٤٥", C),
    ("10", "1\u00b2", W),
    # formulas for a number
    ("1024", "2^{10}", C),
    ("1024", "2**10", C),
    ("120", "5!", C),
    ("120", "(5!)", C),
    ("3", "\\sqrt{9}", C),
    ("3", "sqrt(9)", C),
    ("3", "\\log_2 8", C),
    ("10", "\\binom{5}{2}", C),
    ("2", "2x", W),
    ("2", "x^2", W),
    ("5", "5 \\pm 1", U),
    ("5", "5 or 6", U),
    ("1.5", "1,5", U),
    ("5", "(5)", C),
    ("5", "\\textbf{5}", C),
    ("5", "\\text{five}", C),
    ("5", "$5$", C),
    ("5", "\\(5\\)", C),
    # surds and constants
    ("3\\sqrt{2}", "\\sqrt{18}", C),
    ("3\\sqrt{2}", "3√2", C),
    ("3\\sqrt{2}", "3*sqrt(2)", C),
    ("3\\sqrt{2}", "3\\sqrt2", C),
    ("3\\sqrt{2}", "2\\sqrt{3}", W),
    ("3\\sqrt{2}", "4.242641", C),
    ("3\\sqrt{2}", "4.24", W),
    ("\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}", C),
    ("\\frac{\\pi}{4}", "pi/4", C),
    ("\\frac{\\pi}{4}", "π/4", C),
    ("\\frac{\\pi}{4}", "45", W),
    ("2\\pi", "2 \\pi \\text{ radians}", C),
    ("11\\sqrt2", "11 \\sqrt{2}", C),
    # expressions
    ("2x^2 + x - 15", "2x^2+x-15", C),
    ("2x^2 + x - 15", "x + 2x^2 - 15", C),
    ("2x^2 + x - 15", "(2x - 5)(x + 3)", C),
    ("2x^2 + x - 15", "2x² + x - 15", C),
    ("2x^2 + x - 15", "2x^2 + x + 15", W),
    ("2x^2 + x - 15", "2x", W),
    ("p - q", "p-q", C),
    ("p - q", "q - p", W),
    ("3 + 4i", "4i + 3", C),
    ("y = 2x + 3", "y=2x+3", C),
    ("y = 2x + 3", "2x + 3", C),
    ("k = \\frac{3}{2}", "1.5", C),
    ("4x + 1", "f'(x) = 4x + 1", C),
    # sets, pairs, intervals
    ("1, 2", "2, 1", C),
    ("1, 2", "1 and 2", C),
    ("1, 2", "x = 1 or x = 2", C),
    ("1, 2", "x_1 = 1, x_2 = 2", C),
    ("1, 2", "1", W),
    ("\\{1, 2\\}", "\\{2, 1\\}", C),
    ("1 \\pm \\sqrt{3}", "1 + \\sqrt{3}, 1 - \\sqrt{3}", C),
    ("1 \\pm \\sqrt{3}", "1 ± √3", C),
    ("1 \\pm \\sqrt{3}", "1 + \\sqrt{3}", W),
    ("\\pm 2", "2, -2", C),
    ("(1, 2)", "(1,2)", C),
    ("(1, 2)", "\\left(1, 2\\right)", C),
    ("(1, 2)", "(2, 1)", W),
    ("(1, 2)", "1, 2", C),
    ("(1, 2)", "2, 1", W),
    ("(3, -2)", "x = 3, y = -2", C),
    ("(3, -2)", "\\{3, -2\\}", W),
    ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3, \\pi/2)", C),
    ("[0, 1)", "[0,1)", C),
    ("[0, 1)", "(0, 1)", W),
    ("[0, 1)", "[0, 1]", W),
    ("(-\\infty, 3]", "(-inf, 3]", C),
    ("(-\\infty, 3]", "x \\le 3", C),
    ("(5, \\infty)", "x > 5", C),
    ("(5, \\infty)", "x \\ge 5", W),
    ("(-\\infty,3]\\cup[5,\\infty)", "(-\\infty, 3] \u222a [5, ∞)", C),
    ("x \\in [-2,7]", "[-2, 7]", C),
    # matrices and bases
    ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}", C),
    ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{pmatrix}2\\\\1\\end{pmatrix}", W),
    ("4210_5", "4210_{5}", C),
    ("0.\\overline{27}", "\\frac{\\sqrt{9}}{11}", C),
    ("3R^2", "3R^2", C),
    ("3R^2", "3 R^{2}", C),
    ("3R^2", "3", W),
    ("3", "3R^2", W),
    ("20", "20N", C),
    ("2k", "2", W),
    ("3\\text{ and }4", "3, 4", C),
    ("3\\text{ and }4", "3 and 4", C),
    ("5\\text{ or }7", "5", W),
    ("\\$32,\\!348", "$32,348", C),
    ("15\\mbox{ cm}^2", "15", C),
    ("\\frac{270}7\\text{ degrees}", "38\\frac{4}{7}", C),
    ("\\frac 59", "5/9", C),
    ("4210_5", "4210_{7}", W),
    # words and letters
    ("\\text{Evelyn}", "Evelyn", C),
    ("\\text{Evelyn}", "evelyn.", C),
    ("\\text{Evelyn}", "Carla", W),
    ("\\text{June 20}", "June 20", C),
    ("\\text{(C)}", "C", C),
    ("\\text{(C)}", "(c)", C),
    ("\\text{(C)}", "(B)", W),
    ("\\text{even}", "\\text{odd}", W),
    # nothing to judge
    ("5", "I do not know", U),
    ("5", "unknown", U),
    ("x^2", "It is not possible to say", U),
    ("5", "5 apples and 3 oranges", U),
    ("5", "between 3 and 7", U),
    ("5", "\\frac{}{}", U),
    ("5", "\\begin{tikzpicture}", U),
]


# Whole outputs: gold answer, output, and what it is; N is wrong or unparsed.
KINDS = [
    ("5040", "The answer is $\\boxed{7!}$.", C),
    ("7", "\\boxed{7!}", N),
    ("120", "The answer is 5! = 120.", C),
    ("24", "So 4! = 24 ways.\n\nThe answer is 4! = 24 ways.", C),
    ("(n+1)!", "\\boxed{(n+1)!}", C),
    ("n", "\\boxed{n!}", N),
    ("\\frac{1}{100!}", "\\boxed{\\frac{1}{102!}}", N),
    ("18", "The answer is 18!", C),
    ("18", "It is fun! The answer is 18! Great.", C),
    ("n!", "\\boxed{n!}", C),
    ("3", "\\boxed{3!}", N),
    ("6", "\\boxed{3!}", C),
    ("1/3", "The answer is 1/3 \u2248 0.333.", C),
    ("\\frac{2}{3}", "\\boxed{\\frac{2}{3} \\approx 0.667}", C),
    ("\\frac{5}{7}", "\\boxed{\\frac{5}{7} = 0.714}", C),
    ("-5/3", "The answer is -5/3, or approximately -1.67.", C),
    ("\\frac{9}{2}", "\\boxed{\\frac{9}{2} (4.5)}", C),
    ("2\\sqrt{3}", "\\boxed{2\\sqrt{3} \\approx 3.46}", C),
    ("2\\sqrt{3}", "The answer is 2\\sqrt{3} (approximately 3.46).", C),
    ("1/3", "The answer is 0.33 or 0.34", N),
    ("\\frac{1}{4}", "\\boxed{\\frac{1}{3} \\approx 0.33}", N),
    ("\\frac{1}{6}", "The answer is $\\frac{1}{6}$, which is approximately $16.7\\%$.", C),
    ("\\pi", "\\boxed{\\pi \\approx 3.14}", C),
    ("12\\pi", "The answer is 12\\pi \\approx 37.7 cubic feet.", C),
    ("0.333", "The answer is 1/3 \u2248 0.333.", C),
    ("(2,-3)", "\\boxed{y = 2, x = -3}", N),
    ("(2,-3)", "\\boxed{y = -3, x = 2}", C),
    ("(2,-3)", "x = 2 and y = -3", U),
    ("(2,-3)", "The answer is x = 2 and y = -3.", C),
    ("(2,-3)", "The answer is y = 2 and x = -3.", N),
    ("(1,2,3)", "\\boxed{z = 3, x = 1, y = 2}", C),
    ("(x,y) = (2,-3)", "\\boxed{(2,-3)}", C),
    ("18", "The answer is definitely not 18", N),
    ("18", "The answer is not 18.", N),
    ("18", "The answer is more than 18.", N),
    ("18", "The answer is less than 18", N),
    ("18", "The answer is at most 18.", N),
    ("18", "The answer is none of these, as 18 is too small.", N),
    ("18", "The answer is unknown, as 18 eggs are not enough.", N),
    ("18", "The answer is 18 more than before.", N),
    ("18", "The answer is 18 times smaller.", N),
    ("18", "The answer can't be 18.", N),
    ("18", "The answer isn't 18.", N),
    ("18", "\\boxed{\\text{not } 18}", N),
    ("18", "The answer is greater than or equal to 18", N),
    ("18", "The answer is over 18.", N),
    ("5", "\\boxed{> 5}", N),
    ("5", "\\boxed{x > 5}", N),
    ("18", "The answer is 18, not 20.", C),
    ("18", "The answer is not 20, but 18.", N),
    ("\\frac{2}{3}", "\\boxed{\\ne\\frac23}", N),
    ("\\frac{2}{3}", "\\boxed{7\\sim\\frac23}", N),
    ("\\frac{2}{3}", "\\boxed{1,\\ldots,\\frac23}", N),
    ("\\sqrt{\\frac{2}{3}}", "\\boxed{\\sqrt\\frac{2}{3}}", C),
    ("\\frac23", "\\boxed{\\sqrt\\frac{2}{3}}", N),
    ("\\mathbf{a} + 2\\mathbf{b}", "\\boxed{2\\mathbf{b}+\\mathbf{a}}", C),
    ("\\frac{1}{2} E_{1}+\\frac{2}{3} E_{2}", "\\boxed{\\frac{2}{3} E_{1}+\\frac{2}{3} E_{2}}", N),
    ("\\frac{1}{2} E_{1}+\\frac{2}{3} E_{2}", "\\boxed{\\frac{2}{3} E_2 + \\frac12 E_1}", C),
    ("\\vec{u}-\\vec{v}", "\\boxed{\\mathbf{u}-\\mathbf{v}}", C),
    ("\\frac{1}{2^{60}}", "\\boxed{\\frac{1}{3^{60}}}", N),
    ("\\frac{1}{2^{60}}", "\\boxed{2^{-60}}", C),
    ("0", "\\boxed{10^{-20}}", N),
    ("16,3,1,1", "\\boxed{16,3,1}", N),
    ("16,3,1,1", "\\boxed{1,3,1,16}", C),
    ("1,2", "\\boxed{1,2,2}", N),
    ("\\{1,2\\}", "\\boxed{\\{2,1\\}}", C),
    ("10^{40}", "\\boxed{10^{40}+1}", N),
    ("3 + 4i", "\\boxed{4i + 3}", C),
    ("14 - i", "\\boxed{-i + 14}", C),
    ("-\\frac{3}{5}i", "\\boxed{-\\frac{3i}{5}}", C),
    ("3+4i", "\\boxed{4+3i}", N),
    ("5", "\\boxed{\\boldsymbol{5}}", C),
    ("5", "\\boxed{\\bm{5}}", C),
    ("5", "\\framebox{5}", C),
    ("2", "So \\boxed 2", C),
    ("18", "The answer is:\n\\[\n18\n\\]", C),
    ("18", "The answer is:\n$$18$$", C),
    ("\\frac{1}{2}", "The answer is:\n\n$$\\frac{1}{2}$$\n", C),
    ("2\\sqrt{5}", "The answer is 2\u221a5 units.", C),
    ("-5", "The answer is \u20105.", C),
    ("-5", "The answer is \u20115.", C),
    ("-5", "The answer is \u20125.", C),
    ("-5", "The answer is \u20135.", C),
    ("-5", "The answer is \u20145.", C),
    ("-5", "The answer is \u20155.", C),
    ("-5", "The answer is \u22125.", C),
    ("-5", "The answer is \ufe635.", C),
    ("-5", "The answer is \uff0d5.", C),
    ("6x^2 - 4x", "The answer is 6x^2 \u2013 4x.", C),
    ("41.0", "The answer is 41.0g", C),
    ("41.0", "The answer is 41.0 g of Ca(NO3)2.", C),
    ("41.0", "The answer is **41.0 g**.", C),
    ("41.0 \\text{ g}", "The answer is 41.0 mg", N),
    ("41.0 \\text{ g}", "The answer is 0.041 kg", C),
    ("41.0 g", "\\boxed{41.0\\text{ mg}}", N),
    ("5\\ \\Omega", "The answer is 5 Ω.", C),
    ("5", "\\boxed{5\\,\\Omega}", C),
    ("5", "\\boxed{5\\ \\text{k}\\Omega}", C),
    ("1011_2", "\\boxed{1011_{2}}", C),
    ("1011_2", "\\boxed{1011_{\\text{two}}}", C),
    ("1011_2", "\\boxed{1011_3}", N),
    ("5", "The answer is 5 million.", N),
    ("5000000", "The answer is 5 million.", C),
    ("12", "The answer is a dozen.", C),
    ("24", "The answer is two dozen eggs.", C),
    ("12", "The answer is two dozen.", N),
    ("2/3", "The answer is two thirds.", C),
    ("0.75", "The answer is three quarters.", C),
    ("1.5", "The answer is one and a half.", C),
    ("1234567", "The answer is 1.234.567.", C),
    ("1234", "The answer is 1.234 euros.", C),
    ("1234", "The answer is 1.234 \u20ac.", C),
    ("18", "The answer is 18. Let me verify the answer: 16-3-4=9", C),
    ("18", "The answer is 18.\n\nLet me double-check the answer: 9*2=18", C),
    ("18", "The answer is \\boxed{18}.\n\nFinal: \\boxed{}", C),
    ("18", "The answer is 18.\n\nQuestion: Tom has 3 apples. The answer is 3.", C),
    ("18", "The answer is 18, given alone inside <answer> and </answer> tags.", C),
    ("18", "I will put it inside \\boxed{}. The answer is 18.", C),
    ("18", "<answer>18</answer>\nThis answer is correct.", C),
    ("18", "The answer is 18. This answer is reasonable.", C),
    ("18", "### Answer\n18", C),
    ("18", "**Final Answer**\n\n18", C),
    ("18", "Answer = 18", C),
    ("18", "The answer would be 18.", C),
    ("18", "The answer, therefore, is 18.", C),
    ("18", "The final answer is: $18$", C),
    ("18", "\u7b54\u6848\u662f18\u3002", C),
    ("18", "La respuesta es 18.", C),
    ("18", "Die Antwort ist 18.", C),
    ("18", "La réponse est 18.", C),
    ("18", "A resposta é 18.", C),
    ("18", "\u7b54\u3048\u306f18\u3067\u3059\u3002", C),
    ("18", "The answer is:\n```\n18\n```", C),
    ("18", "The answer is $18, because 9 x 2 = 18.", C),
    ("18", "The answer is 18 (6 eggs at $3 each).", C),
    ("5", "First \\boxed{12} eggs. Then the answer is 5.", C),
    ("5", "We get \\boxed{3}.\nSo the answer is 5.", C),
    ("3, 5", "So $x=\\boxed{3}$ or $x=\\boxed{5}$.", C),
    ("5", "So $x=\\boxed{3}$ or $x=\\boxed{5}$.", N),
    ("1, -2", "The answer is both 1 and -2.", C),
    ("1,-2", "The answer is either 1 or -2.", C),
    ("1,-2", "The answer is $x = 1$ or $x = -2$.", C),
    ("[2,5)", "\\boxed{\\{x \\mid 2 \\le x < 5\\}}", C),
    ("[2,5)", "\\boxed{[2,5[}", C),
    ("(2,5)", "\\boxed{]2,5[}", C),
    ("[2,5)", "\\boxed{2 \\leq x < 5}", C),
    ("(-\\infty,2)\\cup(3,\\infty)", "\\boxed{x<2 \\text{ or } x>3}", C),
    ("(2,5) \\cup (5,\\infty)", "\\boxed{x>2, x \\ne 5}", C),
    ("\\emptyset", "\\boxed{\\varnothing}", C),
    ("1 \\pm \\sqrt{7}", "\\boxed{\\frac{2 \\pm 2\\sqrt{7}}{2}}", C),
    ("1 \\pm \\sqrt{7}", "\\boxed{x = \\frac{2 \\pm \\sqrt{28}}{2}}", C),
    ("e^{3}-1", "\\boxed{-1 + exp(3)}", C),
    ("4\\sqrt{2}", "\\boxed{4\\sqrt(2)}", C),
    ("\\text{A, C}", "\\boxed{\\text{C and A}}", C),
    ("\\text{A, C}", "\\boxed{A, B}", N),
    ("f(x)=2x", "\\boxed{f(x) = 2x \\text{ for all } x}", C),
    ("4x+1", "The answer is 4x + 1, where x is real.", C),
    ("4x+1", "The answer is the expression 4x + 1.", C),
    ("5:3", "The answer is 5 to 3.", C),
    ("120", "\\boxed{{}_{10}C_{3}}", C),
    ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\boxed{[[1,2],[3,4]]}", C),
    ("(2,-3)", "\\boxed{[2,-3]}", N),
    ("(2,-3)", "\\boxed{\\langle 2,-3\\rangle}", C),
    ("5 \\text{ cm}", "\\boxed{5 \\text{ m}}", N),
    ("5", "\\boxed{\\underline{5}}", C),
    ("\\frac{3}{2}", "\\boxed{1.5}", C),
    ("x^2+y^2=1", "\\boxed{x^2 + y^2 - 1 = 0}", C),
    ("y = 2x+3", "\\boxed{2x - y + 3 = 0}", C),
    ("x \\le 3", "\\boxed{(-\\infty, 3]}", C),
    ("10\\%", "\\boxed{0.1}", C),
    ("60^\\circ", "\\boxed{60}", C),
    ("p^2q", "\\boxed{q p^2}", C),
    ("\\cot x", "\\boxed{\\frac{\\cos x}{\\sin x}}", C),
    ("2^{n}-1", "\\boxed{-1+2^n}", C),
    ("\\frac{\\sqrt{3}}{3}", "\\boxed{1/\\sqrt{3}}", C),
    ("(3, \\frac{\\pi}{2})", "\\boxed{(3,\\frac{\\pi}{2})}", C),
    ("11\\sqrt2", "\\boxed{15.556}", N),
    ("\\text{east}", "The answer is \\text{east}.", C),
    ("\\text{Monday}", "The answer is Monday, because it rains.", C),
    # said not to be so
    ("18", "I don't think the answer is 18.", N),
    ("18", "It is false that the answer is 18.", N),
    ("18", "There is no doubt that the answer is 18.", C),
    ("18", "The answer is unlikely to be 18.", N),
    ("18", "The answer is ≥ 18.", N),
    ("18", "The answer is close to 18.", N),
    ("18", "The answer is half of 18.", N),
    # signs in words, other spellings
    ("-5", "The answer is minus 5.", C),
    ("-5", "\\boxed{\\text{negative }5}", C),
    ("5", "The answer is 10 minus 5.", N),
    ("\\frac{2}{3}", "\\boxed{{2 \\over 3}}", C),
    ("2516_8", "\\boxed{2516_{\\text{eight}}}", C),
    ("1,2", "\\boxed{x \\in \\{1, 2\\}}", C),
    ("x \\in (1,2)", "\\boxed{1 < x < 2}", C),
    ("18", "\\fbox{18}", C),
    ("18", '{"answer": 18}', C),
    ("18", "The answer turns out to be 18.", C),
    ("18", "答\uff1a18", C),
]


@pytest.fixture(scope="module", autouse=True)
def _worker_ends() -> Iterator[None]:
    yield
    mathematics.close()


def outcome(gold: str, output: str, rel_tol: float = 0.0) -> str:
    return str(judge_math(output, gold, rel_tol).outcome)


def test_there_are_pairs_enough() -> None:
    assert len(PAIRS) == len(set(PAIRS)) >= 150


@pytest.mark.parametrize(("gold", "stated", "verdict"), PAIRS)
def test_a_pair(gold: str, stated: str, verdict: str) -> None:
    assert outcome(gold, f"\\boxed{{{stated}}}") == verdict
    assert outcome(gold, f"Well, <answer>{stated}</answer> it is") == verdict


@pytest.mark.parametrize(("gold", "output", "verdict"), KINDS)
def test_a_way_of_stating_an_answer(gold: str, output: str, verdict: str) -> None:
    found = outcome(gold, output)
    assert found != C if verdict == N else found == verdict


@pytest.mark.parametrize("gold", sorted({gold for gold, _, _ in PAIRS}))
def test_every_gold_answer_equals_itself(gold: str) -> None:
    assert outcome(gold, f"#### {gold}") == C


@pytest.mark.parametrize(
    ("output", "layer", "extracted"),
    [
        ("<answer>4</answer> \\boxed{5}\n#### 6\nThe answer is 7.", "tag", "4"),
        ("\\boxed{4} and \\boxed{5}\n#### 6\nThe answer is 7.", "boxed", "5"),
        ("#### 6\nThe answer is 7.", "hashes", "6"),
        ("The answer is 6. No: the answer is 7.", "said", "7"),
        ("**Final Answer:** $7$", "said", "$7$"),
        ("it is 7", None, None),
        ("<think>The answer is 3. \\boxed{4}</think>\nThe answer is 7.", "said", "7"),
        ("<think>The answer is 7.</think>\nI do not know.", None, None),
        ("<think>a</think> <answer>6</answer> <THINK>b</THINK> <answer>7</answer>", "tag", "7"),
        ("<think>The answer is 7.", None, None),
    ],
)
def test_the_layer_that_decided_is_recorded(output: str, layer: str | None, extracted: str | None) -> None:
    judged = judge_math(output, "7")
    assert (judged.layer, judged.extracted) == (layer, extracted)


@pytest.mark.parametrize(
    ("gold", "stated", "rel_tol", "verdict"),
    [
        ("18.015", "18.0 g/mol", 0.01, C),
        ("18.015", "18.3 g/mol", 0.01, W),
        ("6.626e-34", "6.63 × 10^{-34} J s", 0.01, C),
        ("6.626e-34", "6.63 × 10^{-33} J s", 0.01, W),
        ("-40", "-40.3 °C", 0.01, C),
        ("-40", "40.3 °C", 0.01, W),
        ("0", "0.001", 0.01, W),
        ("100", "101", 0.01, C),
        ("100", "101.000001", 0.01, W),
        ("100", "101", 0.0, W),
        ("340", "about 343 m/s", 0.01, C),
    ],
)
def test_measured_quantities_have_a_tolerance(gold: str, stated: str, rel_tol: float, verdict: str) -> None:
    assert outcome(gold, f"The answer is {stated}.", rel_tol) == verdict


HOSTILE = {
    "a power tower": "9^{9^{9^{9}}}",
    "a tower in Python": "9**9**9**9",
    "a large factorial": "(10^9)!",
    "many factorials": "9!!!!!!!",
    "a large binomial": "\\binom{10^9}{10^8}",
    "500 brackets": "(" * 190 + "5" + ")" * 190,
    "500 open brackets": "(" * 390,
    "nested fractions": "\\frac{1}{" * 40 + "2" + "}" * 40,
    "nested roots": "\\sqrt{" * 60 + "2" + "}" * 60,
    "a large exponent": "1e999999999",
    "a polynomial of a million degrees": "(x+1)^{1000000}-(x-1)^{1000000}",
    "a huge sum": "\\sum_{i=1}^{10^{12}} \\frac{1}{i}",
    "an integral": "\\int_0^1 \\sin(\\sin(\\sin(\\sin(x^x)))) dx",
    "a limit": "\\lim_{x \\to 0} (\\sin x)^{(\\tan x)^{\\cos x}}",
    "python": "__import__('os').system('true')",
    "many equals signs": "=" * 390,
    "many commas": "1," * 190,
    "many signs": "-" * 390 + "5",
    "superscript digits": "²" * 390,
    "control characters": "\x00\x01\x02",
    "surrogates": "\ud800",
}


@pytest.mark.slow
@pytest.mark.timeout(3 * mathematics.LIMITS.wall_seconds)
@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_answer_is_never_right_and_ends_within_the_limit(name: str) -> None:
    """The limit counts twice: a worker that was used before is not held to what it had gathered."""
    judged = judge_math(f"<answer>{HOSTILE[name]}</answer>", "7")
    assert judged.outcome is not Outcome.CORRECT
    assert judged.score == 0
    assert outcome("\\frac{\\pi}{4}", "\\boxed{\\pi/4}") == C


@pytest.mark.slow
def test_answers_of_a_megabyte_are_not_parsed() -> None:
    for unit in (
        "(",
        "\\boxed{",
        "9",
        "<answer>",
        "1,000,",
        "five ",
        "the answer is ",
        "\\frac{1}{2}",
        "= ",
        "<think>",
    ):
        text = unit * (1_000_000 // len(unit))
        for output in (text, f"<answer>{text}</answer>", f"\\boxed{{{text}}}"):
            assert judge_math(output, "5").outcome is not Outcome.CORRECT
    assert judge_math("(" * 1_000_000 + "\\boxed{5}", "5").outcome is Outcome.CORRECT


PARTS = [*"{}()[]0123456789.,+-*/^_=<>%$ xyπ√±", "\\", "\\frac", "\\sqrt", "\\text", "\\pm", "\\le", "\\infty", "10^"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join))
def test_no_answer_breaks_the_checker(stated: str) -> None:
    for gold in ("7", "x^2 + 7", "\\text{Ada}"):
        judged = judge_math(f"<answer>{stated}</answer>", gold)
        assert (judged.outcome is Outcome.CORRECT) == (judged.score == 1.0)


@given(st.fractions(min_value=-1000, max_value=1000, max_denominator=1000))
def test_a_fraction_is_itself_in_every_form(value: object) -> None:
    over, under = value.numerator, value.denominator  # type: ignore[attr-defined]
    for form in (f"{over}/{under}", f"\\frac{{{over}}}{{{under}}}", f"x = {over}/{under}", f"${over}/{under}$ metres"):
        assert equivalent(form, f"{over}/{under}") is True
        assert equivalent(form, f"{over + 1}/{under}") is False


@given(st.integers(-(10**12), 10**12))
def test_a_whole_number_is_itself_in_every_form(value: int) -> None:
    for form in (f"{value:,}", f"${value}$", f"{value}.0", f"{value} apples", f"it is {value} in all", f"{value}\\%"):
        assert equivalent(form, str(value)) is True
        assert equivalent(form, str(value + 1)) is False


def test_plain_answers_need_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "call", lambda *_: pytest.fail("a worker was asked"))
    assert equivalent("$1,234.50", "1234.5") is True
    assert equivalent("twelve", "13") is False
    assert equivalent("\\left(1,\\ 2\\right)", "(1, 2)") is True
    assert equivalent("Ada", "\\text{Bob}") is False
    assert equivalent("I do not know", "5") is None


def test_a_gold_answer_that_nothing_can_read_is_compared_by_its_spelling() -> None:
    assert outcome("\\frac{}{}", "\\boxed{ \\frac{}{} }") == C
    assert outcome("\\frac{}{}", "\\boxed{5}") == W


def test_without_math_verify_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is missing must not pass for answers that nobody could read."""
    monkeypatch.setattr(mathematics, "_sandbox", lambda: Sandbox("harness.no_such_module", ("compare",), Limits()))
    with pytest.raises(SandboxError, match="does not start: ModuleNotFoundError"):
        judge_math("\\boxed{\\sqrt{8}}", "2\\sqrt{2}")
