// A press that asks the gateway for something: the button waits, and a refusal is said beside it.

import { html } from "../../vendor/htm-preact.js";
import { useState } from "../../vendor/preact-hooks.js";
import { oneLine } from "../../markdown/safe_text.js";

/** `{busy, refusal, run(work)}`: `refusal` is the sentence of the last press that failed. */
export function useTried() {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState("");
  const run = async (work) => {
    setBusy(true);
    try {
      const result = await work();
      setRefusal("");
      return result;
    } catch (error) {
      setRefusal(error.message);
      return null;
    } finally {
      setBusy(false);
    }
  };
  return { busy, refusal, run };
}

export function RefusalLine({ sentence }) {
  return sentence ? html`<p class="warning" role="alert" dir="auto">${oneLine(sentence, 500)}</p>` : null;
}
