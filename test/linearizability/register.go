// The register that every file is: there or not there.
package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// What one call did to a file, and what it was told.
type input struct {
	op      string
	outcome string
}

// step says whether a file that is there (or not) allows what a call was told, and how it leaves
// the file.
func step(there bool, in input) (bool, bool) {
	switch in.op + " " + in.outcome {
	case "upload stored":
		return true, true
	case "upload unknown":
		return true, true // its moment may be after everything else: then it never happened
	case "download found", "instant stored":
		return there, there
	case "download absent":
		return !there, there
	case "delete deleted":
		return there, false
	case "delete absent":
		return !there, there
	case "delete unknown":
		return true, false
	}
	return true, there // says nothing
}

var register = porcupine.Model{
	Init: func() interface{} { return false },
	Step: func(state, in, _ interface{}) (bool, interface{}) {
		allowed, next := step(state.(bool), in.(input))
		return allowed, next
	},
	Equal: func(a, b interface{}) bool { return a == b },
	DescribeOperation: func(in, _ interface{}) string {
		return fmt.Sprintf("%s: %s", in.(input).op, in.(input).outcome)
	},
}
