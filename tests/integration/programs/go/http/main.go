// Counts its requests, as a server of HTTP.
package main

import (
	"fmt"
	"net/http"
	"os"
)

var n int

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { n++; fmt.Fprint(w, n) })
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
