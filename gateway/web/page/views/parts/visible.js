// Whether the person can see the page now: not in another tab, and not while the phone is in a pocket.

import { useEffect, useState } from "../../vendor/preact-hooks.js";

const isVisible = () => document.visibilityState === "visible";

export function useVisible() {
  const [visible, setVisible] = useState(isVisible());
  useEffect(() => {
    const look = () => setVisible(isVisible());
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return visible;
}
