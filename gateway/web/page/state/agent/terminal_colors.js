// The colours of a terminal on this page. A program picks colours for a background that it does not know; whatever it picks can be read
// here, on light and on dark paper. Pure.

const RGB = 0x1000000; // as in docs/protocol.md: such a number is a colour of 24 bits, a smaller one is of the palette
const READABLE = 4.5; // contrast of text, as WCAG wants it
const VISIBLE = 1.6; // of lines and blocks
const STEPS = 10;
const DIM = 0.4;
const ONLY_LINES = /^[\s\u2500-\u259f\u2800-\u28ff]+$/;
const MAX_KNOWN = 4096;

// The 16 colours that a terminal chooses itself; black to white, then the bright ones.
const THEMES = {
  light: {
    paper: 0xfafbfc, ink: 0x1c2127,
    palette: [0x1c2127, 0xb42318, 0x14713a, 0x8a5a00, 0x2857c5, 0x8a2fa8, 0x0b6370, 0xdfe3e8, 0x59636f, 0xc8321f, 0x1a7f43, 0x946200, 0x3367d6, 0x9b3fb8, 0x0e7482, 0xffffff],
  },
  dark: {
    paper: 0x0e1114, ink: 0xe0e4e9,
    palette: [0x1b2026, 0xff7b72, 0x74d391, 0xf2bd6b, 0x8ab4ff, 0xd3a6f7, 0x6fd3e0, 0xd0d6dd, 0x8a94a1, 0xff958b, 0x96e6ae, 0xffd391, 0xa8c8ff, 0xe2c1ff, 0x9be6ef, 0xffffff],
  },
};
const CUBE = [0, 95, 135, 175, 215, 255];

/** The style of a run: {color, background} for each theme together, or null where the page's own holds. */
export function colorsOf({ fg = null, bg = null, reverse = false, dim = false, text = "" }) {
  if (fg === null && bg === null && !reverse && !dim) return null;
  return known(fg, bg, reverse, dim, ONLY_LINES.test(text));
}

const cache = new Map();

function known(fg, bg, reverse, dim, isDrawing) {
  const key = `${fg} ${bg} ${reverse} ${dim} ${isDrawing}`;
  if (!cache.has(key)) {
    if (cache.size >= MAX_KNOWN) cache.clear();
    const [light, dark] = [THEMES.light, THEMES.dark].map((theme) => inTheme(theme, { fg, bg, reverse, dim, isDrawing }));
    cache.set(key, { color: `light-dark(${hexOf(light.ink)}, ${hexOf(dark.ink)})`, background: bg === null && !reverse ? null : `light-dark(${hexOf(light.paper)}, ${hexOf(dark.paper)})` });
  }
  return cache.get(key);
}

/** The two colours of one theme: {ink, paper}. */
export function inTheme(theme, { fg, bg, reverse, dim, isDrawing }) {
  const front = fg === null ? theme.ink : colorOf(fg, theme);
  const back = bg === null ? theme.paper : colorOf(bg, theme);
  const [ink, paper] = reverse ? [back, front] : [front, back];
  return { ink: readable(dim ? mixed(ink, paper, DIM) : ink, paper, isDrawing ? VISIBLE : READABLE), paper };
}

export function themeOf(name) {
  return THEMES[name];
}

function colorOf(number, { palette }) {
  if (number >= RGB) return number - RGB;
  if (number < 16) return palette[number];
  if (number >= 232) return (8 + (number - 232) * 10) * 0x010101;
  const cube = number - 16;
  return (CUBE[Math.floor(cube / 36)] << 16) + (CUBE[Math.floor(cube / 6) % 6] << 8) + CUBE[cube % 6];
}

/**
 * The colour itself where it can be read on `paper`. Else the one of the opposite lightness: what was made for a dark terminal keeps its order
 * of bright and faint on light paper. Else as near to it as can be read.
 */
export function readable(ink, paper, least) {
  if (contrast(ink, paper) >= least) return ink;
  const opposite = mirrored(ink);
  if (contrast(opposite, paper) >= least) return opposite;
  const pole = contrast(0, paper) > contrast(0xffffff, paper) ? 0 : 0xffffff;
  for (let step = 1; step < STEPS; step++) {
    const nearer = mixed(ink, pole, step / STEPS);
    if (contrast(nearer, paper) >= least) return nearer;
  }
  return pole;
}

export function contrast(one, other) {
  const [less, more] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
}

const channels = (color) => [(color >> 16) & 0xff, (color >> 8) & 0xff, color & 0xff];
const joined = ([red, green, blue]) => (red << 16) + (green << 8) + blue;

function luminance(color) {
  const [red, green, blue] = channels(color).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The same hue with the opposite lightness: the lightest and the darkest channel change their places around the middle. */
function mirrored(color) {
  const parts = channels(color);
  const sum = Math.max(...parts) + Math.min(...parts);
  return joined(parts.map((part) => Math.min(255, Math.max(0, part + 255 - sum))));
}

function mixed(color, other, share) {
  const target = channels(other);
  return joined(channels(color).map((part, at) => Math.round(part + (target[at] - part) * share)));
}

const hexOf = (color) => `#${color.toString(16).padStart(6, "0")}`;
