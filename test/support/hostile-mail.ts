/** Mails that want something of whoever looks at them. Each calls at `base`, if a browser lets it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Mails = Readonly<Record<string, string | Buffer>>;

const CRLF = '\r\n';

function ofHtml(html: string): string {
  const head = [
    'From: a@shop.example',
    'Subject: hostile',
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=utf-8',
  ];
  return [...head, '', html].join(CRLF);
}

const DEEP = 3000;
/** As much as the search takes apart. */
const SEARCHED = 128 * 1024;
const MANY_PICTURES = 5000;

/** By what they try. */
export function hostileMails(base: string): Mails {
  const inFrame: Readonly<Record<string, string>> = {
    'a script': `<script>top.document.title = 'owned'; fetch('${base}/script')</script><script src="${base}/src"></script>`,
    handlers: `<img src=x onerror="fetch('${base}/error')"><body onload="fetch('${base}/load')"><svg onload="fetch('${base}/svg')">`,
    'remote content': `<img src="${base}/img"><img srcset="${base}/set 1x"><video poster="${base}/poster" src="${base}/video" autoplay></video><audio src="${base}/audio" autoplay></audio><object data="${base}/object"></object><embed src="${base}/embed"><iframe src="${base}/iframe"></iframe><input type="image" src="${base}/input"><table background="${base}/background"><tr><td>x</table>`,
    styles: `<link rel="stylesheet" href="${base}/css"><style>@import '${base}/import'; @font-face { font-family: f; src: url(${base}/font) } p { font-family: f; background: url(${base}/bg); list-style: url(${base}/list); cursor: url(${base}/cursor), auto }</style><p style="background: url('${base}/inline')">text</p>`,
    hints: `<link rel="preconnect" href="${base}"><link rel="dns-prefetch" href="${base}"><link rel="prefetch" href="${base}/prefetch"><link rel="preload" as="image" href="${base}/preload"><link rel="modulepreload" href="${base}/module"><link rel="icon" href="${base}/icon"><link rel="manifest" href="${base}/manifest">`,
    'meta refresh': `<meta http-equiv="refresh" content="0;url=${base}/refresh"><meta http-equiv="set-cookie" content="a=b"><meta http-equiv="Content-Security-Policy" content="default-src *">`,
    'a base': `<base href="${base}/" target="_top"><img src="relative"><a id="go" href="there">x</a>`,
    'a form': `<form id="f" action="${base}/form" method="post" target="_top"><input name="password" type="password" autofocus><button>Log in</button></form>`,
    'data and javascript links': `<a href="javascript:fetch('${base}/js')">x</a><a href="data:text/html,<script>1</script>">y</a><iframe srcdoc="<img src='${base}/srcdoc'>"></iframe><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${base}/svgimage'/></svg>">`,
    'a way out of comments': `<!--[if gte mso 9]><img src="${base}/mso"><![endif]--><noscript><p title="</noscript><img src=${base}/noscript onerror=fetch('${base}/x')>"></noscript><style><!--</style><img src="${base}/mutation">-->`,
    'our own page': `<a href="/console/users" target="_top">x</a><iframe src="/console/"></iframe><img src="/console/icon.svg"><link rel="stylesheet" href="/console/style.css">`,
    'tags without an end': '<'.repeat(SEARCHED),
    'deep markup': '<div>'.repeat(DEEP) + `<img src="${base}/deep">`,
  };
  const mails = Object.entries(inFrame).map(([what, html]) => [what, ofHtml(html)] as const);
  return { ...Object.fromEntries(mails), ...ofHeaders(base), ...brokenMime() };
}

/** What stands in the header section is shown on our own page. */
function ofHeaders(base: string): Mails {
  const markup = `</title></h1><script src=${base}/header></script><img src=${base}/h onerror=alert(1)>`;
  const lines = [`From: "${markup}" <a@shop.example>`, `Subject: ${markup}`, `To: ${markup}`, `X-Evil: ${markup}`];
  const encoded = `=?utf-8?B?${Buffer.from(markup).toString('base64')}?=`;
  return {
    'markup in header fields': [...lines, '', markup].join(CRLF),
    'markup in encoded words': [`Subject: ${encoded}`, `From: ${encoded} <a@shop.example>`, '', 'text'].join(CRLF),
    'a direction that turns': ['Subject: =?utf-8?B?4oCuZ3BqLmV4ZQ==?=', '', 'text'].join(CRLF),
  };
}

const NAMES = [
  '../../../etc/passwd',
  '..\\..\\boot.ini',
  '/absolute',
  '.htaccess',
  'a\u202Egpj.html',
  'x".html',
  'con:aux|<>.html',
  '',
];

function brokenMime(): Mails {
  const mixed = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n';
  const attachments = NAMES.map(
    (name) =>
      `--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}\r\n\r\n<script>alert(1)</script>\r\n`,
  );
  const nested = Array.from(
    { length: 500 },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  );
  return {
    'attachments with paths': `Subject: files\r\n${mixed}\r\n${attachments.join('')}--b--\r\n`,
    'a name of white space': `Subject: name\r\nContent-Disposition: attachment; filename="x${' '.repeat(SEARCHED)}x"\r\n\r\n`,
    'one picture many times': `Subject: pictures\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n${'<img src="cid:p">\r\n'.repeat(MANY_PICTURES)}\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <p>\r\n\r\n${'x'.repeat(1024 * 1024)}\r\n--b--`,
    'parts without an end': `Subject: open\r\n${mixed}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>still open`,
    'parts in parts in parts': `Subject: nested\r\n${nested.join('')}text`,
    'ten thousand parts': `Subject: many\r\n${mixed}\r\n${'--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n'.repeat(10_000)}--b--`,
    'a charset that nobody has':
      'Subject: charset\r\nContent-Type: text/html; charset=x-klingon\r\n\r\n<p>\xff\xfe text',
    'UTF-7':
      'Subject: seven\r\nContent-Type: text/html; charset=utf-7\r\n\r\n+ADw-script+AD4-alert(1)+ADw-/script+AD4-',
    'a transfer encoding that nobody has': 'Subject: encoding\r\nContent-Transfer-Encoding: x-uu\r\n\r\nbegin 644 a',
    'octets of no text': Buffer.concat([Buffer.from('Subject: octets\r\n\r\n'), Buffer.alloc(4096, 0xfe)]),
    'nothing at all': '',
    'no end of the header section': `Subject: ${'x'.repeat(300_000)}`,
    'a part of many megabytes': `Subject: huge\r\nContent-Type: text/html\r\n\r\n<p>${'x'.repeat(12 * 1024 * 1024)}`,
  };
}

/** Puts them where the capture upstream would. @returns their ids, by what they try. */
export async function placeMails(folder: string, mails: Mails): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const [index, [what, content]] of Object.entries(mails).entries()) {
    const id = `01HOSTILE${String(index).padStart(4, '0')}`;
    const envelope = {
      id,
      time: '2026-11-28T08:00:00.000Z',
      user: 'orders.shop',
      list: 'shop/orders',
      from: 'a@shop.example',
      recipients: ['"<script>alert(1)</script>"@elsewhere.example'],
    };
    await writeFile(join(folder, `${id}.eml`), content);
    await writeFile(join(folder, `${id}.json`), JSON.stringify(envelope));
    ids.set(what, id);
  }
  return ids;
}
