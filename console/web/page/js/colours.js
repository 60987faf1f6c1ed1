/* Colours of the canvases. The scale of shares is of one hue, and its lightness rises or falls throughout: it can be
   read by the colour-blind, and in grey. */

const STOPS = {
  light: ["#eef2f6", "#cfdeed", "#97bddd", "#5391c6", "#2564a4", "#0f3b74", "#071d40"],
  dark: ["#1a222d", "#1d3b5c", "#27598c", "#3f80b8", "#75ade0", "#b4d8f6", "#f4fbff"],
};

const STEPS = 256;

const parsed = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function ramp(stops) {
  const made = new Uint32Array(STEPS);
  const colours = stops.map(parsed);
  for (let at = 0; at < STEPS; at++) {
    const place = (at / (STEPS - 1)) * (colours.length - 1);
    const below = Math.min(Math.floor(place), colours.length - 2);
    const mixed = colours[below].map((one, part) => Math.round(one + (colours[below + 1][part] - one) * (place - below)));
    made[at] = (255 << 24) | (mixed[2] << 16) | (mixed[1] << 8) | mixed[0];
  }
  return made;
}

const RAMPS = { light: ramp(STOPS.light), dark: ramp(STOPS.dark) };

/** 256 colours from little to much, as a canvas has them in memory (little-endian RGBA). */
export const rampOf = (theme) => RAMPS[theme];

/** Where a fraction (0 to 1) lies on the ramp. A square root: 1 % can be told from nothing, and 40 from 60 %. */
export const placeOf = (fraction) => Math.round(Math.sqrt(Math.min(1, Math.max(0, fraction))) * (STEPS - 1));

/** The colour of a fraction, for CSS. */
export function colourOf(fraction, theme) {
  const value = RAMPS[theme][placeOf(fraction)];
  return `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
}

/** The colour that text can be read in on the colour of a fraction: the one of black and white that stands out more. */
export function textOn(fraction, theme) {
  const value = RAMPS[theme][placeOf(fraction)];
  const [red, green, blue] = [0, 8, 16].map((shift) => linear((value >> shift) & 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff";
}

const linear = (part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);

/** Of decisions, from the bottom of a stack to its top. Told apart by lightness, too. */
export const DECISIONS = ["EXECUTE", "SKIP", "BLOCKED", "ERROR", "UNKNOWN"];
const OF_DECISIONS = {
  light: { EXECUTE: "#0b8a6a", SKIP: "#b9c2cc", BLOCKED: "#4c63b6", ERROR: "#8e2e6f", UNKNOWN: "#dcc48e" },
  dark: { EXECUTE: "#35c79d", SKIP: "#59636f", BLOCKED: "#8096e8", ERROR: "#e58ac4", UNKNOWN: "#a08a55" },
};

export const decisionColour = (decision, theme) => OF_DECISIONS[theme][decision] ?? OF_DECISIONS[theme].UNKNOWN;
