/**
 * From 360 px to 4k, in the colours that the reader has chosen; contrasts of 4.5:1 and more, and nothing that only its
 * colour tells.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1e21; --quiet: #51565e; --line: #c9ced6; --band: #f2f4f7;
  --link: #0842a0; --good: #14572e; --bad: #a01414; --open: #6b4b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --ink: #e6e8eb; --quiet: #a9b0ba; --line: #3d434c; --band: #1f2329;
    --link: #a8c7fa; --good: #86d9a3; --bad: #ffb0a8; --open: #f0cf7a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink); }
@media (min-width: 160rem) { :root { font-size: 150%; } }
header, main, footer { max-width: 96rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; padding-top: 0.75rem; border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; }
.viewer { margin-left: auto; color: var(--quiet); overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 0.25rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: 0.5rem; color: var(--ink); text-decoration: none; border-bottom: 0.2rem solid transparent; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { font-weight: 600; border-bottom-color: var(--link); }
a { color: var(--link); }
:focus-visible { outline: 0.2rem solid var(--link); outline-offset: 0.1rem; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 0.5rem; top: 0.5rem; padding: 0.5rem; background: var(--paper); z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.25rem 0 0.75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 1.75rem 0 0.5rem; overflow-wrap: anywhere; }
footer { margin-top: 2rem; padding-bottom: 1.5rem; color: var(--quiet); font-size: 0.875rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
caption { text-align: left; color: var(--quiet); padding: 0.25rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); max-width: 32rem; }
thead th { background: var(--band); font-weight: 600; white-space: nowrap; padding-left: 0.4rem; }
tbody th, tbody td { padding-left: 0.4rem; overflow-wrap: break-word; }
tbody th { font-weight: 400; }
td code, th code { overflow-wrap: break-word; }
pre, code { font: 0.9em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; background: var(--band); padding: 0.75rem; margin: 0; }
dl { margin: 0; }
dl div { display: grid; grid-template-columns: minmax(8rem, 16rem) 1fr; gap: 0 1rem; padding: 0.3rem 0; border-bottom: 1px solid var(--line); }
@media (max-width: 40rem) { dl div { grid-template-columns: 1fr; } }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
dd ul { margin: 0; padding: 0; list-style: none; }
.badge { font-weight: 600; white-space: nowrap; }
.badge.good { color: var(--good); } .badge.bad { color: var(--bad); } .badge.open { color: var(--open); }
.none { color: var(--quiet); }
.item { display: block; }
.filter { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 0.5rem 0 1rem; }
select, input, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--quiet); border-radius: 0.25rem; padding: 0.35rem 0.6rem; max-width: 100%; }
button { cursor: pointer; background: var(--band); }
.tabs { display: flex; flex-wrap: wrap; gap: 0 0.25rem; list-style: none; padding: 0; margin: 1rem 0 0.75rem; border-bottom: 1px solid var(--line); }
.tabs a { display: inline-block; padding: 0.4rem 0.7rem; color: var(--ink); text-decoration: none; border-bottom: 0.2rem solid transparent; }
.tabs a[aria-current] { font-weight: 600; border-bottom-color: var(--link); }
iframe { width: 100%; height: 36rem; border: 1px solid var(--line); background: #ffffff; color-scheme: light; }
@media (forced-colors: active) { nav a[aria-current], .tabs a[aria-current] { border-bottom-color: LinkText; } }
@media print { header, footer, .filter, .tabs { display: none; } }
`;

export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0842a0"/><path d="M2.5 4.5h11v7h-11z" fill="#fff"/><path d="M2.5 4.5 8 9l5.5-4.5" fill="none" stroke="#0842a0" stroke-width="1.2"/></svg>';
