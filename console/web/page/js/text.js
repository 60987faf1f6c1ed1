/* Numbers, times and names as they are shown. Pure. Times are epoch seconds, and shown in UTC, as by the console. */

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** A name from Redis with what cannot be seen, or turns text around, made visible. Is put on the page as text only. */
export function name(text) {
  return String(text ?? "").replace(UNSEEN, (one) => "\\u" + one.codePointAt(0).toString(16).padStart(4, "0"));
}

/** A share in percent without its sign, for a cell of a table. */
export const bare = (share) => percent(share).replace("\u00a0%", "");

/** A sentence of ours, in which a number and its sign stay together. */
export const sentence = (text) => name(text).replaceAll(" %", "\u00a0%");

/** A count, with its thousands apart; an en dash where it is unknown. */
export function count(value) {
  return value == null ? "–" : Math.round(value).toLocaleString("en-GB");
}

/** A share (0 to 1) in percent: one decimal below 10 %, so that little is not nothing. */
export function percent(share) {
  if (share == null || Number.isNaN(share)) return "–";
  const hundred = share * 100;
  if (hundred > 0 && hundred < 0.1) return "<0.1\u00a0%";
  return (hundred === 0 || hundred >= 9.95 ? Math.round(hundred) : hundred.toFixed(1)) + "\u00a0%";
}

/** A difference of shares in percentage points, with its sign; empty where it is unknown. */
export function points(difference) {
  if (difference == null || Number.isNaN(difference)) return "";
  const rounded = Math.round(difference * 100);
  return rounded > 0 ? `+${rounded}` : rounded < 0 ? `−${-rounded}` : "0";
}

/** A number with at most so many decimals; an en dash where there is none. */
export function number(value, decimals = 2) {
  return value == null ? "–" : Number(value).toLocaleString("en-GB", { maximumFractionDigits: decimals });
}

const two = (value) => String(value).padStart(2, "0");

/** `14:05`. */
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** `14:05:31`. */
export function exact(seconds) {
  return `${clock(seconds)}:${two(new Date(seconds * 1000).getUTCSeconds())}`;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Tue 1 Dec`. */
export function day(seconds) {
  const at = new Date(seconds * 1000);
  return `${DAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
}

/** When, as seen from `now`: the clock where it was within twelve hours, else with the day. */
export function when(seconds, now) {
  if (seconds == null) return "–";
  return now != null && Math.abs(now - seconds) < 43200 ? clock(seconds) : `${day(seconds)} ${clock(seconds)}`;
}

/** A time span `14:05 to 14:10`; the day with it where it is another one than that of `now`, or the span is long. */
export function span(from, to, now) {
  if (to - from >= 86400) return `${day(from)} ${clock(from)} to ${day(to)} ${clock(to)}`;
  return `${when(from, now)} to ${clock(to)}`;
}

/** A length of time in its largest two units: `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function length(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

/** `1 symbol`, `3 symbols`. */
export function many(amount, noun) {
  return `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}
