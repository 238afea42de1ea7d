// The grid of a terminal as text of the document: a row is drawn again only if it has changed.

import { h, html } from "../../vendor/htm-preact.js";
import { piecesOf } from "../../state/agent/terminal_cells.js";
import { colorsOf } from "../../state/agent/terminal_colors.js";
import { memo } from "../parts/memo.js";

const MARKS = ["bold", "italic", "underline", "strike"];

export function TerminalGrid({ picture: { rows, columns, cursor } }) {
  return html`<div class="grid" dir="ltr" translate="no" ...${{ style: { "--columns": columns } }}>
    ${rows.map((row) => html`<${GridRow} key=${row.y} runs=${row.runs} />`)}
    ${cursor && html`<span class="cursor" aria-hidden="true" ...${{ style: { "--x": cursor.x, "--y": cursor.y } }}></span>`}
  </div>`;
}

const GridRow = memo(({ runs }) => html`<div class="grid-row">${runs.map(runView)}${runs.length === 0 && "\n"}</div>`);

// Styles go into the document as values of single properties, each made of numbers: never as a text that somebody wrote.

function runView(run) {
  const colors = colorsOf(run);
  const style = colors && { color: colors.color, ...(colors.background && { backgroundColor: colors.background }) };
  const className = MARKS.filter((mark) => run[mark]).join(" ");
  return h("span", { class: className || undefined, style: style ?? undefined }, piecesOf(run.text).map(pieceView));
}

const pieceView = ({ text, cells }) => (cells === 0 ? text : h("span", { class: "cells", style: { "--cells": cells } }, text));
