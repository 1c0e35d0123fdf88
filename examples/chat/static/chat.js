// The chat's page. Whatever comes from a tool, a service or a person becomes text, never HTML.

const messages = document.querySelector("#messages");
const composer = document.querySelector("#composer");
const cards = new Map(); // connect_id → the card that is waiting for it

// --- asking and answering -----------------------------------------------------------------------

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    if (answer.status === 401) location.assign("/login");
    return await answer.json();
  } catch {
    return { kind: "trouble", text: "We cannot be reached just now. Are you online?" };
  }
}

async function ask(question, place = addAnswer()) {
  place.replaceChildren(element("p", "thinking", "…"));
  // The id travels as client_state, and comes back with the browser.
  const message = { message: question, message_id: crypto.randomUUID() };
  const answer = await call("POST", "/api/messages", message);
  place.replaceChildren(...shown(answer, { ...message, place }));
  if (answer.kind === "card") listConnections(); // one may have just been lost
  place.scrollIntoView({ block: "end", behavior: "smooth" });
}

function shown(answer, asked) {
  switch (answer.kind) {
    case "result":
      return showResult(answer);
    case "card":
      return [new Card(answer, asked).node];
    case "said":
      return [element("p", "", answer.text), suggestions(answer.suggestions)];
    default: {
      const trouble = element("p", "trouble", answer.text);
      const number = answer.request_id && element("small", "soft", `Number: ${answer.request_id}`);
      return [trouble, number || ""];
    }
  }
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  send(composer.elements.message.value);
  composer.reset();
});

messages.addEventListener("click", ({ target }) => {
  if (target.closest(".suggestions button")) send(target.textContent);
});

function send(question) {
  messages.append(element("li", "question", question));
  ask(question);
}

function addAnswer() {
  const place = element("li", "answer");
  messages.append(place);
  return place;
}

// --- connecting an account ----------------------------------------------------------------------

class Card {
  constructor(answer, asked) {
    this.answer = answer;
    this.asked = asked;
    this.node = copyOf("card");
    this.button = this.part("button");
    this.part(".tile").textContent = answer.service.slice(0, 1);
    this.part(".text").textContent = answer.prompt.text;
    this.part(".detail span").textContent = answer.prompt.detail;
    this.part(".tab").href = answer.connect_url;
    this.part(".tab").addEventListener("click", () => this.keepQuestion());
    this.button.textContent = answer.prompt.button_label;
    this.button.addEventListener("click", () => this.open());
    cards.set(answer.connect_id, this);
  }

  part(selector) {
    return this.node.querySelector(selector);
  }

  // Must run in the click itself, or the browser blocks the window.
  open() {
    if (Date.now() > Date.parse(this.answer.expires_at)) return this.renew();
    const left = Math.round(screenX + (outerWidth - 480) / 2);
    const popup = window.open("about:blank", "_blank", `popup,width=480,height=680,left=${left}`);
    if (!popup) return this.openHere();
    popup.opener = null; // the pages that follow are not ours, and need no handle on this one
    popup.location.replace(this.answer.connect_url);
    // Never look at popup.closed: a login page's Cross-Origin-Opener-Policy makes it true at once.
    this.part(".progress").hidden = false;
  }

  openHere() {
    this.keepQuestion();
    location.assign(this.answer.connect_url);
  }

  keepQuestion() {
    sessionStorage.setItem(this.asked.message_id, this.asked.message);
  }

  settle({ connected, text }) {
    cards.delete(this.answer.connect_id);
    const ending = connected ? copyOf("connected") : element("p", "trouble");
    (ending.querySelector("span") ?? ending).textContent = text;
    this.asked.place.replaceChildren(ending);
    ask(this.asked.message); // brings the result, or the card once more
  }

  // The link is valid for ten minutes: ask for another.
  renew() {
    cards.delete(this.answer.connect_id);
    ask(this.asked.message, this.asked.place);
  }
}

// The return page, in the popup, says how it ended.
new BroadcastChannel("connections").addEventListener("message", ({ data }) => {
  cards.get(data.connect_id)?.settle(data);
  listConnections();
});

// Back in the same tab: the question that was waiting is asked again.
const again = new URLSearchParams(location.search).get("again");
const waiting = again && sessionStorage.getItem(again);
if (waiting) {
  sessionStorage.removeItem(again);
  history.replaceState(null, "", "/");
  send(waiting);
}

// --- what a tool returned -----------------------------------------------------------------------

function showResult({ tool, server_id, is_error, content, structured }) {
  const source = element("p", "source", `${tool} · ${server_id}`);
  const texts = content.map((text) => element("p", is_error ? "trouble" : "content", text));
  if (!structured) return [source, ...texts];
  const raw = element("details", "soft");
  raw.append(element("summary", "", "As text"), ...content.map((text) => element("pre", "", text)));
  return [source, showStructured(structured.result ?? structured), raw];
}

function showStructured(value) {
  const rows = Array.isArray(value) ? value : [value];
  const isPlain = (each) => each === null || typeof each !== "object";
  const isRow = (each) => !isPlain(each) && Object.values(each).every(isPlain);
  if (rows.length === 0) return element("p", "", "Nothing found.");
  if (!rows.every(isRow)) return element("pre", "", JSON.stringify(value, null, 2));
  return table([...new Set(rows.flatMap(Object.keys))], rows);
}

function table(names, rows) {
  const head = element("tr");
  head.append(...names.map((name) => element("th", "", name)));
  const lines = rows.map((row) => {
    const line = element("tr");
    line.append(...names.map((name) => element("td", "", String(row[name] ?? ""))));
    return line;
  });
  const made = element("table");
  made.createTHead().append(head);
  made.createTBody().append(...lines);
  const box = element("div", "table");
  box.append(made);
  return box;
}

// --- the list of connections --------------------------------------------------------------------

async function listConnections() {
  const { connections = [] } = await call("GET", "/api/connections");
  document.querySelector("#connections").replaceChildren(...connections.map(line));
  document.querySelector("#no-connections").hidden = connections.length > 0;
}

function line({ server_id, service, account, active }) {
  const made = copyOf("connection");
  made.querySelector(".tile").textContent = service.slice(0, 1);
  made.querySelector("strong").textContent = service;
  made.querySelector("small").textContent = active ? account : "needs to be reconnected";
  const button = made.querySelector("button");
  button.setAttribute("aria-label", `Disconnect ${service}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const said = await call("DELETE", `/api/connections/${encodeURIComponent(server_id)}`);
    addAnswer().replaceChildren(...shown(said));
    await listConnections();
  });
  return made;
}

// --- elements -----------------------------------------------------------------------------------

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function copyOf(template) {
  return document.querySelector(`template#${template}`).content.firstElementChild.cloneNode(true);
}

function suggestions(sentences) {
  const made = element("div", "suggestions");
  made.append(...sentences.map((each) => Object.assign(element("button", "", each), { type: "button" })));
  return made;
}

listConnections();
for (const control of composer.elements) control.disabled = false; // not before this script runs
composer.elements.message.focus();
