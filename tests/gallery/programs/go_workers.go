// A function in Go: goroutines of the load time, a map, an HTTP server and its client.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
)

type message struct {
	Value struct{ N int }
}

type answer struct {
	Orders  []int  `json:"orders"`
	Squares int    `json:"squares"`
	Body    string `json:"body"`
}

var (
	lock   sync.Mutex
	orders []int
)

func squares(n int) int {
	numbers, results := make(chan int), make(chan int)
	for range 3 {
		go func() {
			for number := range numbers {
				results <- number * number
			}
		}()
	}
	go func() {
		defer close(numbers)
		for i := range n {
			numbers <- i
		}
	}()
	sum := 0
	for range n {
		sum += <-results
	}
	return sum
}

func body(n int) string {
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(response, "order %d", n)
	}))
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

func main() {
	answers := os.NewFile(3, "answers")
	if os.Getenv("OW_WAIT_FOR_ACK") != "" {
		fmt.Fprintln(answers, `{"ok":true}`)
	}
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var request message
		if err := json.Unmarshal(line, &request); err != nil {
			fmt.Fprintf(answers, "{\"error\":%q}\n", err)
			continue
		}
		lock.Lock()
		orders = append(orders, request.Value.N)
		lock.Unlock()
		encoded, _ := json.Marshal(answer{orders, squares(request.Value.N), body(request.Value.N)})
		fmt.Fprintf(answers, "%s\n", encoded)
	}
}
