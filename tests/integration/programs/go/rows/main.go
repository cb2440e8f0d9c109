// Sorts rows: what a usual request is.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
)

type row struct {
	N    int    `json:"n"`
	Name string `json:"name"`
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
		var asked struct{ Value struct{ Rows []row } }
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		rows, sum := asked.Value.Rows, 0
		sort.Slice(rows, func(one, other int) bool { return rows[one].N < rows[other].N })
		for _, row := range rows {
			sum += row.N
		}
		if err := json.NewEncoder(answers).Encode(map[string]any{"rows": rows, "sum": sum}); err != nil {
			panic(err)
		}
	}
}
