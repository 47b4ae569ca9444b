import { MAX_SALT_BYTES, MAX_SEQ, MAX_VALUE_BYTES } from "@topic-tracker/common/Bep44"

console.log(MAX_VALUE_BYTES, MAX_SALT_BYTES) // → 995 64
console.log(MAX_SEQ) // → 9223372036854775807n
