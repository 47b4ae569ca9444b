import { EventQueue } from "@topic-tracker/common/EventQueue"

const queue = new EventQueue<string>({
  capacity: 2,
  whenFull: "drop-oldest",
  lagged: (skipped) => `${skipped} skipped`,
})
for (const event of ["a", "b", "c"]) queue.push(event)
console.log(queue.takeAll().join()) // → 1 skipped,b,c
