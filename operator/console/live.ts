/**
 * The only script: it fetches the page again for as long as somebody looks at it, and puts what is new into place.
 * Without it, reloading does the same. It gives the page no further power: what it fetches is the page itself, from its
 * own origin.
 */
export const LIVE_SCRIPT = `'use strict';
const EVERY_MS = 3000;
const main = document.getElementById('main');
const news = document.getElementById('news');

async function look() {
  if (document.visibilityState !== 'visible' || isBusy()) return;
  const response = await fetch(location.href, { cache: 'no-store', redirect: 'error' });
  if (!response.ok || isBusy()) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const next = page.getElementById('main');
  if (next === null || next.innerHTML === main.innerHTML) return;
  if (next.dataset.news !== undefined && next.dataset.news !== main.dataset.news) news.textContent = next.dataset.news;
  main.dataset.news = next.dataset.news ?? '';
  take([...next.childNodes]);
}

// not while somebody writes, or marks what is to be copied
function isBusy() {
  const at = document.activeElement;
  return (at !== null && ['INPUT', 'SELECT'].includes(at.tagName)) || String(getSelection()) !== '';
}

function take(nodes) {
  const places = [...main.querySelectorAll('.scroll')].map((one) => one.scrollLeft);
  const stops = () => [...main.querySelectorAll('a[href], button, [tabindex]')];
  const at = stops().indexOf(document.activeElement);
  const href = document.activeElement?.getAttribute('href');
  main.replaceChildren(...nodes.map((node) => document.importNode(node, true)));
  main.querySelectorAll('.scroll').forEach((one, index) => { one.scrollLeft = places[index] ?? 0; });
  if (at === -1) return;
  const same = stops().find((one) => href !== null && one.getAttribute('href') === href);
  (same ?? stops()[at] ?? main).focus({ preventScroll: true });
}

setInterval(() => { look().catch(() => undefined); }, EVERY_MS);
`;
