// The first import of a program that holds hundreds of topics.
import "@topic-tracker/core/smallHeap"
import { TopicConfig } from "@topic-tracker/core"

console.log(TopicConfig.defaults.dht.port) // → 0
