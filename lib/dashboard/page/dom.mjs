// Elements. Texts come in as children, which are text nodes: no name of a game is ever read as HTML.

/** Whether the page is a report, with its figures inside. */
export const isFile = document.getElementById('figures') !== null;

/** An element with attributes and children; what is `null` or `false` is left out. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(
    ...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/**
 * A table that may be wider than the screen. Each of `columns` is a title and what makes the cell of a row, a text or
 * an element.
 */
export function table(caption, rows, columns) {
  const cell = (content, i) =>
    i === 0 ? el('th', { scope: 'row' }, content) : el('td', {}, content);
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption, 'data-key': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...columns.map(([title]) => el('th', { scope: 'col' }, title)))),
      el(
        'tbody',
        {},
        ...rows.map((row) => el('tr', {}, ...columns.map(([, of], i) => cell(of(row), i)))),
      ),
    ),
  );
}

/** A table behind a chart. */
export function behind(key, caption, rows, columns) {
  return el(
    'details',
    { 'data-key': key },
    el('summary', { 'data-key': `${key} summary` }, `Table: ${caption}`),
    table(caption, rows, columns),
  );
}

/**
 * Replaces what is in an element. What was open, scrolled or focused is so again: it is found by its name and its
 * `data-key`.
 */
export function refill(element, ...children) {
  const keyed = () => [...element.querySelectorAll('[data-key]')];
  const keyOf = (one) => `${one.localName} ${one.dataset.key}`;
  const focused = element.contains(document.activeElement) ? document.activeElement : element;
  const states = new Map(
    keyed().map((one) => [keyOf(one), { open: one.open, left: one.scrollLeft }]),
  );
  element.replaceChildren(...children.flat().filter(Boolean));
  for (const one of keyed()) {
    const { open, left } = states.get(keyOf(one)) ?? {};
    if (open) one.open = true;
    if (left > 0) one.scrollLeft = left;
  }
  if (focused === element) return;
  const again = keyed().find((one) => keyOf(one) === keyOf(focused)) ?? element;
  again.focus({ preventScroll: true });
}
