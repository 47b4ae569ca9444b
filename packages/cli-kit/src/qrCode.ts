/**
 * QR codes for terminals: two modules in each character, so that they are square. With colours the code is black on white whatever the
 * terminal's colours are. Without colours its light modules are drawn, since most terminals are dark; scanners also read the inverse.
 */
import { stripVTControlCharacters } from "node:util"
import encodeQR from "qr"

/** Modules of white around the code. The standard asks for 4; scanners read a code with 2, and terminals are narrow. */
const BORDER = 2

/** A QR code for standard output. */
export interface StdoutQrCode {
  readonly text: string
  /** The columns that it takes. */
  readonly columns: number
  /** Whether the terminal is wide enough. A file and a pipe are. */
  readonly fits: boolean
}

/** The QR code of an invitation, in the colours that standard output has. */
export const stdoutQrCode = (invitation: string): StdoutQrCode => {
  const { stdout } = process
  // An invitation may be written in capital letters, and makes a smaller code then. `isTTY` is undefined in a pipe.
  const lines = qrCode(invitation.toUpperCase(), { colours: stdout.isTTY === true && stdout.hasColors(256) })
  const columns = stripVTControlCharacters(lines[0] ?? "").length
  return { text: lines.join("\n"), columns, fits: columns <= (stdout.columns ?? Number.POSITIVE_INFINITY) }
}

/** Options of {@link qrCode}. */
export interface QrCodeOptions {
  /** Whether the output shows 256 colours. */
  readonly colours: boolean
}

/** The lines of the QR code of a text. Text of digits, capital letters and `$%*+-./:` gives the smallest code. */
export const qrCode = (text: string, { colours }: QrCodeOptions): ReadonlyArray<string> => {
  // Nothing wears on a screen, so the lowest error correction will do, and the code is as small as it can be.
  const rows = encodeQR(text, "raw", { ecc: "low", border: BORDER })
  const isDark = (row: number, column: number) => rows[row]?.[column] ?? false
  const lines: Array<string> = []
  for (let row = 0; row < rows.length; row += 2) {
    const characters = rows[row]!.map((_, column) => {
      const top = isDark(row, column) === colours
      // An odd code ends in the middle of a character: its lower half is light.
      const bottom = isDark(row + 1, column) === colours
      return top ? (bottom ? "█" : "▀") : bottom ? "▄" : " "
    }).join("")
    lines.push(colours ? `${BLACK_ON_WHITE}${characters}${RESET}` : characters)
  }
  return lines
}

/** Of the 256 colours those that no theme changes. */
const BLACK_ON_WHITE = "\u001b[38;5;16;48;5;231m"
const RESET = "\u001b[0m"
