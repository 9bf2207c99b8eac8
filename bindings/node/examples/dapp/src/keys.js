// A P-256 key pair by the browser itself, in the form that the client takes.

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function fromBase64Url(text) {
  const padded = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(padded), (character) => character.charCodeAt(0));
}

/** { secretKey, publicKey (compressed), id }, all hex. */
export async function newKeyPair() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
  const [d, x, y] = [jwk.d, jwk.x, jwk.y].map(fromBase64Url);
  const compressed = Uint8Array.of(2 + (y[31] & 1), ...x);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', compressed));
  return { secretKey: toHex(d), publicKey: toHex(compressed), id: toHex(digest.subarray(0, 16)) };
}

export { toHex };
