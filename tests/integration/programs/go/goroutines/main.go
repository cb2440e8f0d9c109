// Goroutines with large frames, and hundreds that wait with data in theirs: the stack of the first thread lies among them.
// Answers how many bytes of all that are not as they were written; the answer to every request is 0.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
)

const (
	waiting = 200
	working = 4
	frame   = 64 << 10
	table   = 256 << 10
)

type wait struct {
	ask    chan byte
	answer chan int
}

func init() {
	runtime.LockOSThread() // the loop of requests stays on the first thread
}

func pattern(at, seed int) byte { return byte(at*31 + seed*17 + 1) }

func changed(bytes []byte, seed int) (count int) {
	for at, value := range bytes {
		if value != pattern(at, seed) {
			count++
		}
	}
	return count
}

func fill(bytes []byte, seed int) {
	for at := range bytes {
		bytes[at] = pattern(at, seed)
	}
}

// hold keeps data in a small frame, and looks at it when it is asked.
func hold(seed int, one wait) {
	var held [1024]byte
	fill(held[:], seed)
	for range one.ask {
		one.answer <- changed(held[:], seed)
	}
}

// descend has a large frame, and more of them above it.
func descend(seed, depth int) int {
	var held [frame]byte
	fill(held[:], seed+depth)
	count := 0
	if depth > 0 {
		count = descend(seed, depth-1)
	}
	runtime.Gosched()
	return count + changed(held[:], seed+depth)
}

func main() {
	answers := os.NewFile(3, "answers")
	everything := make([]byte, table)
	fill(everything, 0)
	waits := make([]wait, waiting)
	for at := range waits {
		waits[at] = wait{make(chan byte), make(chan int)}
		go hold(at, waits[at])
	}
	if os.Getenv("OW_WAIT_FOR_ACK") != "" {
		fmt.Fprintln(answers, `{"ok":true}`)
	}
	requests := 0
	for lines := bufio.NewReader(os.Stdin); ; {
		if _, err := lines.ReadBytes('\n'); err != nil {
			return
		}
		requests++
		var group sync.WaitGroup
		counts := make([]int, working)
		for at := range counts {
			group.Add(1)
			go func(at int) {
				defer group.Done()
				counts[at] = descend(at, 2)
			}(at)
		}
		group.Wait()
		total := changed(everything, 0)
		for _, count := range counts {
			total += count
		}
		for _, one := range waits {
			one.ask <- 0
			total += <-one.answer
		}
		answer := map[string]int{"changed": total, "requests": requests, "goroutines": runtime.NumGoroutine(), "pid": os.Getpid()}
		if err := json.NewEncoder(answers).Encode(answer); err != nil {
			panic(err)
		}
	}
}
