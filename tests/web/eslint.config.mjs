// The rules for the page's modules and their tests: few, and each for a mistake that no reader sees at once.

const PAGE_GLOBALS = [
  ...["window", "document", "crypto", "btoa", "atob", "fetch", "URL", "TextEncoder", "Intl", "navigator", "indexedDB", "WebSocket"],
  ...["setTimeout", "clearTimeout", "setInterval", "clearInterval", "requestAnimationFrame", "getComputedStyle", "ResizeObserver", "IntersectionObserver", "console"],
];
const NODE_GLOBALS = ["Buffer", "process", "structuredClone", "globalThis", "queueMicrotask", "setImmediate", "performance"];

// What makes a document, code or a style of a text, and what a browser would also give to other ports of this host.
const FORBIDDEN_PROPERTIES = [
  ...["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "parseFromString", "createContextualFragment", "srcdoc"],
  ...["eval", "cookie", "cssText"],
];
const FORBIDDEN_WORDS = /dangerouslySetInnerHTML|innerHTML|srcdoc|javascript:/i;

const rules = {
  "no-undef": "error",
  "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_$", caughtErrors: "all" }],
  "no-eval": "error",
  "no-implied-eval": "error",
  "no-new-func": "error",
  "no-script-url": "error",
  "no-restricted-properties": [
    "error",
    ...FORBIDDEN_PROPERTIES.map((property) => ({ property })),
    ...["write", "writeln"].map((property) => ({ object: "document", property })),
  ],
  "no-restricted-syntax": [
    "error",
    { selector: `TemplateElement[value.raw=${FORBIDDEN_WORDS}]`, message: "This would make a document of a text." },
    { selector: "Property[key.name='dangerouslySetInnerHTML']", message: "This would make a document of a text." },
  ],
  "no-restricted-globals": ["error", "event", "name", "status"],
  "no-const-assign": "error",
  "no-dupe-keys": "error",
  "no-fallthrough": "error",
  "no-self-compare": "error",
  "no-unreachable": "error",
  "no-var": "error",
  "prefer-const": ["error", { destructuring: "all" }],
  "use-isnan": "error",
  eqeqeq: ["error", "always", { null: "ignore" }],
};

const globalsOf = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default [
  { ignores: ["**/vendor/**", "**/node_modules/**"] },
  {
    files: ["**/*.js", "**/*.mjs"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: "latest", sourceType: "module", globals: globalsOf(PAGE_GLOBALS) },
    rules,
  },
  // The tests of the page: they also name what must not become a link.
  { files: ["**/*.mjs"], languageOptions: { globals: globalsOf(NODE_GLOBALS) }, rules: { "no-script-url": "off" } },
];
