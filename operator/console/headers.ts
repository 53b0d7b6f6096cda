/**
 * The header fields of every answer of the console. Nothing may be loaded, run, framed or sent that is not the page's
 * own.
 */
const COMMON = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
  'x-dns-prefetch-control': 'off',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};

const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** For files: nothing in them does anything, wherever they are opened. */
const FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'";

export const PAGE_HEADERS = {
  ...COMMON,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': PAGE_POLICY,
  'x-frame-options': 'DENY',
};

export function assetHeaders(contentType: string): Readonly<Record<string, string>> {
  return { ...COMMON, 'content-type': contentType, 'content-security-policy': FILE_POLICY };
}

/** @param fileName plain ASCII; `title` what people are to see as its name, where that is another. */
export function downloadHeaders(contentType: string, fileName: string): Readonly<Record<string, string>> {
  return {
    ...assetHeaders(contentType),
    'content-disposition': `attachment; filename="${asciiName(fileName)}"; filename*=UTF-8''${encodeName(fileName)}`,
  };
}

function asciiName(name: string): string {
  return name.replace(/[^A-Za-z0-9 ._-]/g, '_');
}

/** RFC 8187: what `encodeURIComponent` leaves as it is, and that is no attr-char, besides. */
function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Of the HTML of a mail, in its frame: an origin of its own that is nobody's, without scripts, forms and ways out of the frame. Its
 * styles and the pictures that it has brought itself are shown, and nothing is loaded from anywhere.
 */
export const FRAME_HEADERS = {
  ...COMMON,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    'sandbox',
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    'img-src data:',
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
  ].join('; '),
};
