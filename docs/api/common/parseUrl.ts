import { parseUrl } from "@topic-tracker/common/parseUrl"

console.log(parseUrl("https://relay.example.org")?.hostname) // → relay.example.org
console.log(parseUrl("no address")) // → undefined
