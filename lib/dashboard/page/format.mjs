// Numbers, times and names as the page writes them. What is not known is a dash.

const LOCALE = 'en-GB';
export const UNKNOWN = '–';
/** Characters of a text of others. */
const LONGEST_LINE = 300;

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const small = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const known = (write) => (value) =>
  value === null || value === undefined ? UNKNOWN : write(value);

export const count = known((value) => whole.format(value));
/** With decimals while they say something. */
export const amount = known((value) =>
  (Math.abs(value) < 10 ? small : Math.abs(value) < 100 ? precise : whole).format(value),
);
/** 12k, for axes. */
export const compact = known((value) =>
  Math.abs(value) < 10 ? small.format(value) : short.format(value),
);
/** 0.385 is 38.5 %. */
export const share = known(
  (value) =>
    `${Math.abs(value) < 0.1 ? precise.format(value * 100) : whole.format(value * 100)}\u00a0%`,
);

/** +12 % */
export const change = known((value) => {
  const percent = Math.abs(value * 100);
  const text =
    percent >= 1_000 ? `× ${precise.format(value + 1)}` : `${whole.format(percent)}\u00a0%`;
  if (percent >= 1_000) return text;
  if (percent < 0.5) return `±${text}`;
  return `${value < 0 ? '−' : '+'}${text}`;
});

/** 95 is 1 min 35 s. */
export const seconds = known((value) => {
  const total = Math.round(value);
  if (value < 1 && value > 0) return `${Math.round(value * 1000)} ms`;
  if (total < 60) return `${total} s`;
  const [days, hours, minutes] = [total / 86_400, (total / 3600) % 24, (total / 60) % 60].map(
    Math.floor,
  );
  if (days > 0) return hours === 0 ? `${days} d` : `${days} d ${hours} h`;
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  return total % 60 === 0 || minutes >= 10
    ? `${Math.round(total / 60)} min`
    : `${minutes} min ${total % 60} s`;
});
/** For axes. */
export const minutes = known((value) =>
  value < 60
    ? `${value} s`
    : value < 3600
      ? `${amount(value / 60)} min`
      : `${amount(value / 3600)} h`,
);

/**
 * Decimals of the minor units in which providers of payments count, where they are not two. Those of `Intl` are for
 * showing: it writes forints, krónur and others without decimals, of which a hundredth is charged.
 */
const DECIMALS = new Map([
  ...['BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA'].map((code) => [code, 0]),
  ...['PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'].map((code) => [code, 0]),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code) => [code, 3]),
]);

/** An amount in minor units, as cents. A mean of less than ten has two digits that say something. */
export function money(minor, currency, { isShort = false } = {}) {
  if (minor === null || minor === undefined) return UNKNOWN;
  if (currency === null) return `${amount(minor)} in minor units`;
  const decimals = DECIMALS.get(currency) ?? 2;
  const value = minor / 10 ** decimals;
  const isBrief = isShort && Math.abs(value) >= 10;
  const isMean = Math.abs(minor) < 10 && !Number.isInteger(minor);
  try {
    return new Intl.NumberFormat('en', {
      ...{ style: 'currency', currency },
      ...(isBrief && { notation: 'compact', maximumFractionDigits: 1 }),
      ...(!isBrief && !isMean && fraction(decimals)),
      ...(isMean && { maximumSignificantDigits: 2 }),
    }).format(value);
  } catch {
    return `${amount(minor)} minor units of ${currency}`;
  }
}

const fraction = (digits) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });

const dateWith = (options) => {
  const format = new Intl.DateTimeFormat(LOCALE, { timeZone: 'UTC', ...options });
  return (time) => format.format(typeof time === 'string' ? new Date(time) : time);
};
/** Of a day `YYYY-MM-DD` or a time. */
export const dayShort = dateWith({ day: 'numeric', month: 'short' });
export const dayLong = dateWith({ weekday: 'short', day: 'numeric', month: 'short' });
export const dayFull = dateWith({
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
export const weekday = dateWith({ weekday: 'long' });
const clock = dateWith({ hour: '2-digit', minute: '2-digit' });
const clockS = dateWith({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const time = known((value) => `${clock(value)} UTC`);
export const timeS = known((value) => `${clockS(value)} UTC`);
export const moment = known((value) => `${dayShort(value)}, ${clock(value)} UTC`);
/** 14:35 of a step of a day. */
export const hour = (s) =>
  `${String(Math.floor(s / 3600)).padStart(2, '0')}:${String(Math.floor(s / 60) % 60).padStart(2, '0')}`;

/** 1 process, 2 processes. */
export const plural = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

/** A name of the game. An empty one would be nothing to see. */
export function name(text) {
  if (text === null || text === undefined) return '(no name)';
  const shown = String(text);
  return shown.trim() === '' ? '(empty name)' : shown;
}

/** Text of others, as an answer of a service, in one line. */
export const line = (text) =>
  String(text)
    .slice(0, LONGEST_LINE)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();

/** The row that sums up other names has none of its own. */
export const nameOf = (row, field = 'name') =>
  row.others > 0 ? `${plural(row.others, 'other')}` : name(row[field]);

export const STATES = {
  open: 'today is not over',
  settling: 'may change',
  final: 'final',
};

/** The least final state of rows. */
export const stateOf = (rows) =>
  ['open', 'settling', 'final'].find((state) => rows.some((row) => row.state === state)) ?? null;

/** The newest day of rows that were made under other options than the last of them. */
export const otherUpTo = (rows) => rows.findLast(({ otherOptions }) => otherOptions)?.day ?? null;

/** The newest moment of rows. */
export const asOfOf = (rows) =>
  rows.reduce(
    (newest, { asOf }) => (asOf !== null && (newest === null || asOf > newest) ? asOf : newest),
    null,
  );
