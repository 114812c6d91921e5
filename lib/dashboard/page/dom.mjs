// Elements. Texts come in as children, which are text nodes: no name of a game is ever read as HTML.

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

/** A table that may be wider than the screen; `head` are texts, `rows` lists of texts or elements. */
export function table(caption, head, rows) {
  const cells = (row) =>
    row.map((cell, i) => (i === 0 ? el('th', { scope: 'row' }, cell) : el('td', {}, cell)));
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, ...rows.map((row) => el('tr', {}, ...cells(row)))),
    ),
  );
}

/** A table behind a chart. `key` is that of the page's memory of what is open. */
export function behind(key, caption, head, rows) {
  return el(
    'details',
    { 'data-key': key },
    el('summary', {}, `Table: ${caption}`),
    table(caption, head, rows),
  );
}

/** Replaces what is in an element, and keeps open what was. */
export function refill(element, ...children) {
  const isOpen = (details) => details.open;
  const open = [...element.querySelectorAll('details[data-key]')].filter(isOpen);
  const keys = new Set(open.map((details) => details.dataset.key));
  element.replaceChildren(...children.flat().filter(Boolean));
  for (const details of element.querySelectorAll('details[data-key]')) {
    details.open = keys.has(details.dataset.key);
  }
}
