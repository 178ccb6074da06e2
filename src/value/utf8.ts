/** Checking that bytes are UTF-8. */
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Whether `bytes` is UTF-8 and none of the texts that `offsets` cut it into ends in mid-character.
 */
export function isUtf8(bytes: Uint8Array, offsets?: Uint32Array): boolean {
  if (isAscii(bytes)) return true;
  if (offsets !== undefined) {
    for (let i = 1; i < offsets.length - 1; i++) {
      if (((bytes[offsets[i]] ?? 0) & 0xc0) === 0x80) return false;
    }
  }
  try {
    // Browsers do not let TextDecoder read shared memory.
    strictDecoder.decode(bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice());
    return true;
  } catch {
    return false;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  let any = 0;
  for (let i = 0; i < bytes.length; i++) any |= bytes[i];
  return any < 128;
}
