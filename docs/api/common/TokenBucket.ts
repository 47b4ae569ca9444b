import { TokenBuckets } from "@topic-tracker/common/TokenBucket"

// For each host three at once, and one a second; at most 1,000 hosts are remembered.
const perHost = new TokenBuckets<string>(1000, 3, 1)
const now = 0
console.log([1, 2, 3, 4].map(() => perHost.take("host", now)).join()) // → true,true,true,false
console.log(perHost.take("host", now + 1000)) // → true
