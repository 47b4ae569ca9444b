/** A URL from text. `URL.parse` does the same from Node 22 on; the packages run on Node 20 too. */

/**
 * The URL, or undefined if the text is none.
 *
 * @since 0.1.0
 * @category encoding
 */
export const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)
