import { BoundedMap } from "@topic-tracker/common/BoundedMap"

const newest = new BoundedMap<string, number>(2)
for (const [index, name] of ["a", "b", "c"].entries()) newest.set(name, index)
console.log([...newest.keys()].join()) // → b,c
