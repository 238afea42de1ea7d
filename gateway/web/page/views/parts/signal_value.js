// The value of a signal in a view, drawn again when it changes.

import { useEffect, useState } from "../../vendor/preact-hooks.js";

export function useSignalValue(signal) {
  const [value, setValue] = useState(signal.peek());
  useEffect(() => signal.subscribe(setValue), [signal]);
  return value;
}
