export * as Postcard from "./Postcard.ts"
