/** Values of a Secret, as text and as the API has them. */
type Values = Readonly<Record<string, string>>;

/** Base64 to text. What is no UTF-8 is no password, name or certificate in PEM, and is left out. */
export function decodeValues(data: Values): Values {
  const decoded = Object.entries(data).flatMap(([key, text]) => {
    const bytes = Buffer.from(text, 'base64');
    const plain = bytes.toString('utf8');
    return Buffer.from(plain, 'utf8').equals(bytes) ? [[key, plain] as const] : [];
  });
  return Object.fromEntries(decoded);
}

export function encodeValues(values: Values): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
}
