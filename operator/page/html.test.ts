import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { html } from './html.ts';

const EVIL = `"'><script>&`;

describe('a template', () => {
  test('shows values as text, and keeps them within the quotes of an attribute', () => {
    assert.equal(
      html`<a href="${EVIL}" title="${EVIL}">${EVIL}</a>`.toString(),
      '<a href="&quot;&#39;&gt;&lt;script&gt;&amp;" title="&quot;&#39;&gt;&lt;script&gt;&amp;">&quot;&#39;&gt;&lt;script&gt;&amp;</a>',
    );
    assert.equal(html`${[EVIL, [html`<b>${EVIL}</b>`]]}`.toString().match(/<[^b/]/), null);
  });

  test('has other templates as they are, and nothing in place of what is not there', () => {
    assert.equal(html`<p>${html`<b>${1}</b>`}${undefined}${null}${false}${[]}</p>`.toString(), '<p><b>1</b></p>');
  });

  test('has quotes around each attribute with a value, wherever in the source it is', () => {
    const files = globSync('operator/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
    const written = files.map((file) => [file, readFileSync(file, 'utf8')] as const);
    const templates = written.filter(([, text]) => text.includes('html`'));
    assert.ok(templates.length > 10);
    for (const [file, text] of templates) assert.doesNotMatch(text, /<[a-z][^>`]*\s[a-z-]+=\$\{/, file);
    // and none is let through as markup but by the template itself
    const raw = written.filter(([, text]) => /hono\/html|isEscaped/.test(text)).map(([file]) => file);
    assert.deepEqual(raw, ['operator/page/html.ts']);
  });
});
