/** The endpoint id of `@topic-tracker/crypto`, under this package's name too: a program that depends on core alone can name its type. */
export * from "@topic-tracker/crypto/EndpointId"
