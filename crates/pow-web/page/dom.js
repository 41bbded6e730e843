// Elements. Text is only ever set as text.

const byId = (id) => document.getElementById(id);

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const make = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);

const draw = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

// A text from a file, kept apart from the direction of what stands beside it.
const data = (text, name = 'span') => make(name, { class: 'data', dir: 'auto' }, String(text));

// A file's name. The verifier escapes the texts that it gives; this is for names it never saw.
const visible = (text) =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}\p{M}\u115f\u1160\u3164\uffa0\u2800]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

const many = (count, one, more) => `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
