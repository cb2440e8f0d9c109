// Counts the prime numbers up to ten million by the sieve of Eratosthenes, in an array of the odd ones.
"use strict";

exports.main = ({ limit }) => {
  // prime[i] says it of 2 * i + 1; that of 1 stands for the 2.
  const prime = new Array(Math.floor((limit + 1) / 2)).fill(true);
  for (let number = 3; number * number <= limit; number += 2) {
    if (!prime[(number - 1) / 2]) continue;
    for (let index = (number * number - 1) / 2; index < prime.length; index += number) prime[index] = false;
  }
  let primes = 0;
  for (const each of prime) if (each) primes++;
  return { primes };
};
