// The little of Markdown that models write most, as values: blocks of lines, and spans in a line.
//
// What is not recognised stays as it was written, so nothing that a model says is ever lost; and
// because the result is a list of values that the view puts into text nodes, nothing that it says
// can become markup. A Markdown library would be larger than the whole page.

const FENCE = /^(\s*)(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const ITEM = /^(\s*)([-*+•]|\d{1,3}[.)])\s+(.*)$/;
const CODE = /(`+)(?!`)(.+?)(?<!`)\1(?!`)/;
const STRONG = /\*\*(?=\S)(.+?)(?<=\S)\*\*/;
const EM = /\*(?=[^\s*])([^*]+?)(?<=\S)\*(?!\*)/;
const SPAN = new RegExp([CODE, STRONG, EM].map(({ source }) => source).join("|"), "gs");

/** The blocks of a text: `code` (language), `heading`, `item` (marker, depth) and `paragraph`. */
export function blocksOf(text) {
  const blocks = [];
  let open;
  const begin = (block) => blocks.push((open = block));
  for (const line of text.split("\n")) {
    if (open?.fence) {
      if (closes(line, open.fence)) open = undefined;
      else open.lines.push(unindented(line, open.indent));
      continue;
    }
    const [, indent, fence, language] = FENCE.exec(line) ?? [];
    if (fence) {
      begin({ kind: "code", fence, indent: indent.length, language: language.trim(), lines: [] });
    } else if (HEADING.test(line)) {
      blocks.push({ kind: "heading", lines: [HEADING.exec(line)[1]] });
      open = undefined;
    } else if (ITEM.test(line)) {
      const [, depth, marker, rest] = ITEM.exec(line);
      begin({ kind: "item", depth: Math.min(depth.length >> 1, 4), marker, lines: [rest] });
    } else if (line.trim() === "") {
      open = undefined;
    } else if (open) {
      open.lines.push(open.kind === "item" ? line.trimStart() : line);
    } else {
      begin({ kind: "paragraph", lines: [line] });
    }
  }
  return blocks.map(({ fence, indent, lines, ...block }) => ({ ...block, text: lines.join("\n") }));
}

/** The spans of a text: `plain`, `code`, `strong` and `em`. */
export function spansOf(text) {
  const spans = [];
  let at = 0;
  const plain = (end) => end > at && spans.push({ kind: "plain", text: text.slice(at, end) });
  for (const found of text.matchAll(SPAN)) {
    plain(found.index);
    const [whole, , code, strong, em] = found;
    if (code) spans.push({ kind: "code", text: code });
    else spans.push(strong ? { kind: "strong", text: strong } : { kind: "em", text: em });
    at = found.index + whole.length;
  }
  plain(text.length);
  return spans;
}

function closes(line, fence) {
  const mark = line.trim();
  return mark.length >= fence.length && mark === fence[0].repeat(mark.length);
}

/** A fence in a list is indented, and so is its code. */
function unindented(line, by) {
  return line.slice(0, by).trim() === "" ? line.slice(by) : line;
}
