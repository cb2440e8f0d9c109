<?php
// A function in PHP: static variables, generators, a file, a session of output buffers.
$answers = fopen('php://fd/3', 'w');
$file = tempnam(sys_get_temp_dir(), 'cart');

function remembered(int $n): array
{
    static $seen = [];
    $seen[] = $n;
    return $seen;
}

function numbers(int $n): Generator
{
    for ($i = 0; $i < $n; $i++) {
        yield $i * 2;
    }
}

if (getenv('OW_WAIT_FOR_ACK')) {
    fwrite($answers, "{\"ok\":true}\n");
}
while (($line = fgets(STDIN)) !== false) {
    $n = json_decode($line, true)['value']['n'];
    file_put_contents($file, "$n\n", FILE_APPEND);
    $answer = [
        'seen' => remembered($n),
        'lines' => count(file($file)),
        'numbers' => iterator_to_array(numbers($n)),
        'child' => trim(shell_exec("echo order $n")),
    ];
    fwrite($answers, json_encode($answer) . "\n");
}
