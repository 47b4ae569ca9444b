import { decodeBencode, encodeBencode } from "@topic-tracker/dht/testing"

const bytes = encodeBencode({ answer: 42n })
console.log(new TextDecoder().decode(bytes)) // → d6:answeri42ee
console.log(typeof decodeBencode(bytes)) // → object
