"use strict";
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const data = await new Response(unpacked).json();
  const [OP, IMPL, , , , , CASE, COLUMN, VERDICT, ERROR, ALLOWED, ACCURACY, LABEL, MESSAGE, KNOWN,
    EXPECTED, NEAREST, GOT, DIGEST, INPUT, CALL, SCRIPT] = Array(22).keys();
  const PAGE = 100;
  const text = document.getElementById("find-text");
  const verdict = document.getElementById("find-verdict");
  const column = document.getElementById("find-column");
  const body = document.querySelector("#found tbody");
  const count = document.getElementById("find-count");
  const more = document.getElementById("find-more");
  const string = (row, at) => (row[at] == null ? "" : data.strings[row[at]]);
  const key = (row) => row.slice(OP, CASE + 1).map((n) => data.strings[n]).join("/");
  let haystacks = null;
  let found = [];
  let shown = 0;

  const node = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    Object.assign(element, attributes);
    element.append(...children);
    return element;
  };
  // <wbr>, not a zero-width space: a key that is copied must still be the key.
  const breakable = (name) => name.split("/").flatMap((part, n) => (n ? ["/", node("wbr", {}), part] : [part]));
  const ulp = (value) => (value == null ? "" : value >= 1e6 ? value.toExponential(2) : String(+value.toPrecision(3)));
  const words = (name) => name.replaceAll("_", " ");
  const link = (name) => "#key=" + encodeURIComponent(name).replaceAll("%2F", "/").replaceAll("%3A", ":");

  const haystack = (row) => ("/" + key(row) + "/ " + data.columns[row[COLUMN]] + " " + string(row, LABEL) + " " +
    string(row, MESSAGE) + " " + string(row, KNOWN) + " " + string(row, ACCURACY)).toLowerCase();

  function filter(exact) {
    haystacks ??= data.rows.map(haystack);
    const terms = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = verdict.value === "" ? null : data.verdicts.findIndex((v) => v[0] === verdict.value);
    const where = column.value === "" ? null : Number(column.value);
    found = [];
    data.rows.forEach((row, number) => {
      if (wanted !== null && row[VERDICT] !== wanted) return;
      if (where !== null && row[COLUMN] !== where) return;
      if (exact ? key(row) !== exact : !terms.every((term) => haystacks[number].includes(term))) return;
      found.push(row);
    });
    body.replaceChildren();
    shown = 0;
    page();
  }

  function page() {
    const next = found.slice(shown, shown + PAGE);
    body.append(...next.map(line));
    shown += next.length;
    count.textContent = `${shown} of ${found.length} shown; ${data.rows.length} in all`;
    more.hidden = shown >= found.length;
  }

  function line(row) {
    const [name, symbol] = data.verdicts[row[VERDICT]];
    const badge = node("span", { className: "badge " + name }, `${symbol} ${words(name)}`);
    const measured = row[ERROR] == null ? string(row, LABEL) || string(row, ACCURACY)
      : `${ulp(row[ERROR])} / ${ulp(row[ALLOWED])}`;
    const anchor = node("a", { href: link(key(row)), className: "key" }, ...breakable(key(row)));
    const tr = node("tr", { className: "row" }, node("td", {}, badge), node("td", {}, anchor),
      node("td", {}, data.columns[row[COLUMN]]), node("td", { className: "num" }, measured));
    tr.addEventListener("click", (event) => {
      if (event.target.closest("a")) return;
      toggle(tr, row);
    });
    return tr;
  }

  function toggle(tr, row) {
    if (tr.nextElementSibling?.classList.contains("more")) tr.nextElementSibling.remove();
    else tr.after(node("tr", { className: "more" }, node("td", { colSpan: 4 }, facts(row))));
  }

  function facts(row) {
    const list = node("dl", { className: "facts" });
    const fact = (name, value, tag) => {
      if (value) list.append(node("dt", {}, name), node("dd", {}, tag ? node(tag, {}, value) : value));
    };
    const operation = string(row, OP);
    fact("operation", node("a", { href: "#op-" + operation }, operation));
    fact("call", string(row, CALL) || data.calls[operation + "/" + string(row, IMPL)], "code");
    fact("environment", data.columns[row[COLUMN]]);
    fact("input", string(row, INPUT), "pre");
    fact("expected", string(row, EXPECTED), "code");
    fact("nearest", string(row, NEAREST), "code");
    fact("got", string(row, GOT), "code");
    if (row[ERROR] != null) fact("error", `${ulp(row[ERROR])} ULP, allowed ${ulp(row[ALLOWED])}`);
    fact("class", string(row, ACCURACY));
    fact("label", string(row, LABEL));
    fact("message", string(row, MESSAGE));
    const known = data.known[string(row, KNOWN)];
    if (known) {
      fact("known deviation", `${string(row, KNOWN)}: ${known.why}`);
      if (/^https?:\/\//.test(known.link ?? ""))
        fact("link", node("a", { href: known.link, rel: "noreferrer" }, known.link));
    }
    fact("digest", string(row, DIGEST), "code");
    if (Array.isArray(row[SCRIPT])) fact("script", script(row[SCRIPT].map((n) => data.strings[n]).join("\n") + "\n"));
    else fact("script", string(row, SCRIPT));
    return list;
  }

  function script(source) {
    const shown = node("pre", {}, source);
    const button = node("button", { type: "button", className: "copy" }, "copy");
    button.addEventListener("click", () => {
      // The older way comes first: it needs no permission, which a page opened from a file may lack.
      getSelection().selectAllChildren(shown);
      if (!document.execCommand("copy")) navigator.clipboard?.writeText(source);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 1500);
    });
    return node("div", { className: "script" }, button, shown);
  }

  function follow() {
    const fragment = location.hash.slice(1);
    if (!/^(key|find|verdict|column)=/.test(fragment)) return;
    const fields = {};
    for (const part of fragment.split("&")) {
      const at = part.indexOf("=");
      if (at > 0) fields[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1));
    }
    text.value = fields.key ?? fields.find ?? "";
    verdict.value = fields.verdict ?? "";
    column.value = fields.column ?? "";
    filter(fields.key);
    if (fields.key && found.length) [...body.rows].forEach((tr, n) => toggle(tr, found[n]));
    document.getElementById("observations").scrollIntoView();
  }

  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 120);
  };
  text.addEventListener("input", later);
  verdict.addEventListener("change", () => filter());
  column.addEventListener("change", () => filter());
  more.addEventListener("click", page);
  document.querySelector("form.find").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  document.getElementById("search").hidden = false;
  filter();
  follow();
})();
