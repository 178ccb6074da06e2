/** How many columns of a terminal a text takes. */
export function textWidth(text: string): number {
  let width = 0;
  let ascii = true;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7e) {
      ascii = false;
      break;
    }
  }
  if (ascii) return text.length;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Pads with spaces to `width` columns. */
export function padText(text: string, width: number, right: boolean): string {
  const spaces = ' '.repeat(Math.max(0, width - textWidth(text)));
  return right ? spaces + text : text + spaces;
}

/** Marks that go on the letter before, and characters that show nothing. */
const narrow = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** Scripts whose letters take two columns (East Asian Wide and Fullwidth, Unicode annex 11). */
const wideScript =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Yi}]$/u;
const wideSign = /^(?:[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})$/u;

function characterWidth(character: string): number {
  if (character <= '\u007e') return 1;
  if (character >= '\uff61' && character <= '\uffdc') return 1;
  if (narrow.test(character)) return 0;
  return wideScript.test(character) || wideSign.test(character) ? 2 : 1;
}
