// Draws from every generator of the standard library.
//
//go:debug randseednop=0
package main

import (
	crypto "crypto/rand"
	"encoding/hex"
	oldrand "math/rand"
	"math/rand/v2"

	"tickets/groundhog"
)

func main() {
	mine, known := rand.NewChaCha8([32]byte{1}), rand.NewPCG(1, 2)
	groundhog.OnSeed(func(seed []byte) { mine.Seed([32]byte(seed)) })
	groundhog.Serve(func(request []byte) (any, error) {
		var secret [16]byte
		if _, err := crypto.Read(secret[:]); err != nil {
			return nil, err
		}
		return map[string]any{
			"groundhog.Rand": groundhog.Rand.Uint64N(1 << 52),
			"math/rand":      oldrand.Int63n(1 << 52),
			"named":          mine.Uint64() >> 12,
			"crypto/rand":    hex.EncodeToString(secret[:]),
			"math/rand/v2":   rand.Uint64N(1 << 52),
			"not named":      known.Uint64() >> 12,
		}, nil
	})
}
