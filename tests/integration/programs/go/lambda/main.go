// A function by AWS's client for Go that remembers its callers.
package main

import (
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Name  any    `json:"name"`
	Raise string `json:"raise"`
}

type answer struct {
	Seen []any `json:"seen"`
}

var seen []any

func handle(asked event) (*answer, error) {
	seen = append(seen, asked.Name)
	if asked.Raise != "" {
		return nil, errors.New(asked.Raise)
	}
	return &answer{seen}, nil
}

func main() {
	lambda.Start(handle)
}
