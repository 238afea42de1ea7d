// A view that is drawn again only if what it shows has changed.

import { Component, h } from "../../vendor/htm-preact.js";

export function memo(View, same = sameFields) {
  return class Memo extends Component {
    shouldComponentUpdate(next) {
      return !same(this.props, next);
    }

    render(props) {
      return h(View, props);
    }
  };
}

function sameFields(before, next) {
  const keys = new Set([...Object.keys(before), ...Object.keys(next)]);
  return [...keys].every((key) => before[key] === next[key] || (key === "row" && sameFields(before.row, next.row)));
}
