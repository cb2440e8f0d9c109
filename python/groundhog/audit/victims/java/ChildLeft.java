import java.lang.ProcessBuilder.Redirect;
import java.util.ArrayList;
import java.util.List;

/** Child processes left running, each with a thread that waits for its end. */
final class ChildLeft extends Victim {
    private static final List<Process> CHILDREN = new ArrayList<>();

    @Override
    String handle(String secret) throws Exception {
        String seen = "{\"children\":" + CHILDREN.size() + ",\"alive\":"
                + CHILDREN.stream().filter(Process::isAlive).count() + "}";
        if (CHILDREN.size() < 5) {
            CHILDREN.add(new ProcessBuilder("sleep", "1000")
                    .redirectInput(Redirect.from(new java.io.File("/dev/null")))
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(Redirect.DISCARD)
                    .start());
        }
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new ChildLeft().run();
    }
}
