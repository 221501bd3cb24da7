"use strict";
// The page of `palaestra play --web`. Everything that comes from a game is put into the page as a text node: nothing is
// ever read as HTML, and the page's policy forbids scripts and styles of anybody else.

const token = new URLSearchParams(location.search).get("token") || "";
const $ = (id) => document.getElementById(id);
const headers = { "X-Palaestra-Token": token };

let view = {};            // what the program last sent
let events = [];          // what happened on the page in this move
let began = 0;            // when the move was shown
let closed = false;       // whether nothing more will come
let sending = false;

// ---- small tools

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const money = (x) => number.format(Math.abs(x) < 0.005 ? 0 : x);
const cents = (x) => Math.round(x * 100) / 100;

function element(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function show(id, yes) { $(id).hidden = !yes; }

function tell(id, text) {
  $(id).textContent = text || "";
  show(id, !!text);
}

function note(what, field, more) {
  if (view.phase !== "turn" || events.length >= 2000) return;
  events.push(Object.assign({ ms: Math.round(performance.now() - began), what, field }, more));
}

async function post(path, body) {
  return fetch(path, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body || {}) });
}

// ---- what is shown

function heading(of) {
  const titles = { bargaining: "Bargaining", negotiation: "Negotiation", persuasion: "Persuasion" };
  const title = titles[of.family] || "A game";
  $("family").textContent = title;
  document.title = title + " · Palaestra";
  $("count").textContent = of.games > 1 ? `Game ${of.game} of ${of.games}` : "";
  const asked = of.asked;
  $("round").textContent = asked && asked.round ? (asked.rounds ? `Round ${asked.round} of ${asked.rounds}` : `Round ${asked.round}`) : "";
}

function chat(of, said) {
  const rival = of.names[1 - of.seat];
  const names = { you: "You", rival };
  const lines = said ? of.lines.concat([{ who: "you", text: said }]) : of.lines;
  const nodes = lines.map((line) => {
    const item = element("li", undefined, line.who);
    if (names[line.who]) item.append(element("bdi", names[line.who], "who"));
    const text = element("span", line.text, "text");
    text.dir = "auto";
    item.append(text);
    return item;
  });
  $("lines").replaceChildren(...nodes);
  $("lines").scrollTop = $("lines").scrollHeight;
  $("rules-text").replaceChildren(...of.rules.split("\n").filter((line) => line).map((line) => element("p", line)));
}

function pairs(list, rows) {
  list.replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function standing(of) {
  const rows = [];
  const asked = of.asked || {};
  if (typeof of.earned === "number") rows.push(["Earned so far", money(of.earned)]);
  if (typeof asked.value === "number") rows.push(["Worth to you", money(asked.value)]);
  if (of.family === "bargaining" && asked.worth < 1) rows.push(["Of a gain, left to you now", number.format(asked.worth * 100) + " %"]);
  if (of.gains.length) rows.push([of.gains.length === 1 ? "Game before" : "Games before", money(of.gains.reduce((a, b) => a + b, 0))]);
  pairs($("standing"), rows);
}

function clear() {
  for (const id of ["told", "form", "amount-part", "message-part", "choices", "fault", "tries", "send", "result", "buttons", "waiting"]) show(id, false);
}

function button(text, className, act) {
  const node = element("button", text, className);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// ---- a move

function gainOf(amount, of) {
  const asked = of.asked;
  if (typeof asked.value === "number") return of.seat === 0 ? amount - asked.value : asked.value - amount;
  return amount * asked.worth;
}

function readAmount() {
  const text = $("amount").value.replace(/[\s,$_]/g, "");
  return /^\d*\.?\d+$|^\d+\.$/.test(text) ? Number(text) : NaN;
}

function meaning() {
  const of = view.turn, limits = of.asked.amount, amount = readAmount();
  const valid = amount >= limits.lowest && amount <= limits.highest;
  const rival = of.names[1 - of.seat];
  let text = "";
  if (valid && limits.divides) {
    text = `${money(amount)} for you, ${money(cents(limits.highest - amount))} for ${rival}.`;
    if (of.asked.worth < 1) text += ` Now that is worth ${money(gainOf(amount, of))} to you.`;
  } else if (valid) {
    const gain = gainOf(amount, of);
    text = gain >= 0 ? `A deal at ${money(amount)} would earn you ${money(gain)}.` : `A deal at ${money(amount)} would cost you ${money(-gain)}.`;
  }
  $("amount-means").textContent = text;
  show("bar", limits.divides);
  const part = valid ? amount / limits.highest * 100 : 0;
  $("bar-own").style.width = part + "%";
  $("bar-rival").style.width = (valid ? 100 - part : 0) + "%";
}

function left() {
  const most = view.turn.asked.longest_message;
  const used = [...$("message").value].length;
  $("message-left").textContent = used > most ? `${used - most} characters too many` : `optional; ${number.format(most - used)} characters left`;
}

function turn() {
  const of = view.turn, asked = of.asked, rival = of.names[1 - of.seat];
  heading(of);
  chat(of);
  standing(of);
  clear();
  events = [];
  began = performance.now();
  $("form").reset();
  let title = "Your move", told = "";
  if (asked.amount && asked.amount.divides) title = "Your proposal";
  else if (asked.amount) title = "Your price";
  else if (typeof asked.offer === "number") {
    title = "Your decision";
    const gain = gainOf(asked.offer, of);
    told = of.family === "bargaining"
      ? `${rival} offers you ${money(asked.offer)} of ${money(of.money)}.` + (asked.worth < 1 ? ` Now that is worth ${money(gain)} to you.` : "")
      : `${rival}'s price is ${money(asked.offer)}. ` + (gain >= 0 ? `Accepting earns you ${money(gain)}.` : `Accepting costs you ${money(-gain)}.`);
  } else if (typeof asked.good === "boolean") {
    title = asked.choices.length ? "Do you recommend it?" : `What do you say to ${rival}?`;
    told = asked.good ? "This thing is of high quality." : "This thing is of low quality.";
  } else if (asked.choices.length) title = "Do you buy?";
  $("panel-title").textContent = title;
  tell("told", told);
  show("form", true);
  if (asked.amount) {
    const limits = asked.amount, [low, high] = limits.slider;
    show("amount-part", true);
    $("amount-label").textContent = limits.divides ? "You keep" : "Price";
    $("amount-range").textContent = `From ${money(limits.lowest)} to ${money(limits.highest)}.`;
    $("slider").min = low;
    $("slider").max = high;
    $("slider").step = Math.max(0.01, cents((high - low) / 100));
    $("slider").value = cents((low + high) / 2);
    meaning();
  }
  show("message-part", asked.message);
  if (asked.message) left();
  // All choices look alike: the page recommends none.
  const choices = asked.choices.map((choice) => {
    const node = button(choice.label, "", () => send(choice.word));
    node.dataset.word = choice.word;
    node.dataset.key = choice.key;
    node.append(element("kbd", choice.key));
    return node;
  });
  $("choices").replaceChildren(...choices);
  show("choices", choices.length > 0);
  $("send").textContent = asked.amount ? (asked.amount.divides ? `Propose to ${rival}` : "Name this price") : "Say it";
  show("send", choices.length === 0);
  const tries = asked.attempts - asked.attempt + 1;
  tell("tries", asked.attempt > 1 ? (tries === 1 ? "1 try is left." : `${tries} tries are left.`) : "");
  show("leave", true);
  (asked.amount ? $("amount") : asked.choices.length ? $("panel-title") : $("message")).focus();
}

async function send(choice) {
  if (sending || view.phase !== "turn") return;
  sending = true;
  note("send", choice || "send");
  const entry = { amount: $("amount").value, choice: choice || "", message: $("message").value };
  const buttons = [$("send"), ...$("choices").children];
  buttons.forEach((node) => { node.disabled = true; });
  try {
    const reply = await post("/api/respond", { version: view.version, entry, events });
    if (reply.ok || reply.status === 409) tell("fault", "");
    else {
      tell("fault", (await reply.json()).error);
      note("refused", "form");
      const field = view.turn.asked.amount ? $("amount") : view.turn.asked.message ? $("message") : null;
      if (field) field.focus();
    }
  } catch {
    tell("fault", "The program cannot be reached.");
  } finally {
    sending = false;
    buttons.forEach((node) => { node.disabled = false; });
  }
}

// ---- the other phases

function waiting() {
  clear();
  const of = view.turn;
  if (of) {
    heading(of);
    chat(of, view.said);
    tell("waiting", `${of.names[1 - of.seat]} is thinking …`);
  }
  $("panel-title").textContent = of ? "Not your turn" : "One moment …";
  show("leave", true);
}

function consent() {
  clear();
  $("panel-title").textContent = "Before you play";
  tell("told", view.text);
  const answer = (agreed) => () => post("/api/consent", { agreed });
  $("buttons").replaceChildren(button("I agree", "main", answer(true)), button("I do not agree", "", answer(false)));
  show("buttons", true);
  $("panel-title").focus();
}

function gain(name, amount, whole, className) {
  const row = element("div", undefined, "gain " + className);
  const label = element("bdi", name, "name"), track = element("span", undefined, "track"), fill = element("span");
  fill.style.width = Math.max(0, Math.min(100, amount / whole * 100)) + "%";
  track.append(fill);
  track.setAttribute("aria-hidden", "true");
  row.append(label, track, element("span", money(amount), "number"));
  return row;
}

function over() {
  const end = view.end, rival = end.names[1 - end.seat];
  heading(end);
  chat(end);
  standing({ ...end, gains: [] });
  clear();
  $("panel-title").textContent = end.stopped ? "The game was given up" : "Result";
  const whole = Math.max(end.money, Math.abs(end.gain), end.scores ? Math.abs(end.scores.rival) : 0);
  const parts = [gain("You", end.gain, whole, "own")];
  if (end.scores) {
    parts.push(gain(rival, end.scores.rival, whole, "rival"));
    const measures = element("dl", undefined, "measures");
    for (const [name, value] of [["Efficiency", end.scores.efficiency], ["Fairness", end.scores.fairness]]) {
      if (typeof value !== "number") continue;
      const pair = element("div");
      pair.append(element("dt", name), element("dd", value.toFixed(2)));
      measures.append(pair);
    }
    if (measures.children.length) parts.push(measures);
  } else parts.push(element("p", `What ${rival} gained is not told yet; the report shows it in the end.`, "hint"));
  if (end.games > 1) parts.push(element("p", `In ${end.game} of ${end.games} games you gained ${money(end.gains.reduce((a, b) => a + b, 0))}.`));
  $("result").replaceChildren(...parts);
  show("result", true);
  show("leave", !!view.more);
  if (view.more) {
    $("buttons").replaceChildren(button("Next game", "main", () => post("/api/next")));
    show("buttons", true);
    $("buttons").firstChild.focus();
  } else {
    $("result").append(element("p", "Thank you for playing. This page can be closed.", "thanks"));
    $("panel-title").focus();
  }
}

function gone(text) {
  closed = true;
  show("leave", false);
  if (view.phase === "over") return;
  clear();
  $("panel-title").textContent = "The program has ended";
  tell("told", text);
}

function render() {
  ({ turn, waiting, consent, over })[view.phase]?.();
}

// ---- hearing of what is new

async function listen() {
  let version = 0, failures = 0;
  while (!closed) {
    try {
      const reply = await fetch(`/api/state?after=${version}`, { headers });
      if (reply.status === 401) return gone((await reply.json()).error);
      if (!reply.ok) throw new Error(reply.status);
      const next = await reply.json();
      failures = 0;
      if (next.version !== version) {
        const same = next.closed && next.phase === view.phase;
        version = next.version;
        view = next;
        if (!same) render();
      }
      if (next.closed) gone("");
    } catch {
      failures += 1;
      if (failures > 4) return gone("It cannot be reached any more.");
      await new Promise((done) => setTimeout(done, 300 * failures));
    }
  }
}

// ---- what the person does

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  // Enter in a message field of a decision chooses nothing.
  if (view.turn && view.turn.asked.choices.length === 0) send();
});
$("amount").addEventListener("input", () => {
  const amount = readAmount();
  if (!Number.isNaN(amount)) $("slider").value = amount;
  meaning();
  note("edit", "amount", { value: $("amount").value.slice(0, 40) });
});
$("slider").addEventListener("input", () => {
  $("amount").value = String(cents(Number($("slider").value)));
  meaning();
  note("edit", "slider", { value: $("amount").value });
});
$("message").addEventListener("input", () => {
  left();
  note("edit", "message", { length: $("message").value.length });
});
$("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && view.turn.asked.choices.length === 0) send();
});
document.addEventListener("focusin", (event) => note("focus", event.target.id || event.target.dataset.word || "page"));
document.addEventListener("visibilitychange", () => note(document.visibilityState, "page"));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|TEXTAREA)$/.test(event.target.tagName) || $("leaving").open) return;
  for (const node of $("choices").children) {
    if (node.dataset.key === event.key.toLowerCase()) node.focus();
  }
});
$("leave").addEventListener("click", () => $("leaving").showModal());
$("stay").addEventListener("click", () => $("leaving").close());
$("go").addEventListener("click", () => { $("leaving").close(); post("/api/leave"); });
window.addEventListener("pagehide", () => {
  if (!closed) fetch("/api/away", { method: "POST", keepalive: true, headers: { ...headers, "Content-Type": "application/json" }, body: "{}" });
});
setInterval(() => {
  if (view.phase !== "turn") { $("timer").textContent = ""; return; }
  const spent = (performance.now() - began) / 1000;
  const seconds = Math.max(0, Math.floor(view.limit_s ? view.limit_s - spent : spent));
  $("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` + (view.limit_s ? " left" : "");
}, 250);

// On a narrow screen the rules would push the game out of sight.
$("rules").open = window.innerWidth > 832;
listen();
