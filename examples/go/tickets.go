// Sells tickets of a raffle. No two may be the same, though each request starts from the same snapshot.
package main

import (
	"fmt"

	"tickets/groundhog"
)

func main() {
	groundhog.Serve(func(request []byte) (any, error) {
		ticket := fmt.Sprintf("%016x", groundhog.Rand.Uint64())
		return map[string]any{"ticket": ticket, "number": groundhog.Rand.IntN(1e9)}, nil
	})
}
