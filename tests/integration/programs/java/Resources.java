import groundhog.Groundhog;
import java.util.StringJoiner;
import org.crac.Core;

public final class Resources implements Core.Resource {
    static final StringJoiner order = new StringJoiner(" ");
    final int number;

    Resources(int number) {
        this.number = number;
    }

    @Override
    public void beforeCheckpoint() {
        order.add("before-" + number);
    }

    @Override
    public void afterRestore() {
        order.add("after-" + number);
    }

    public static void main(String[] arguments) {
        Core.register(new Resources(1));
        Core.register(new Resources(2));
        Groundhog.serve(request -> "{\"order\":\"" + order + "\"}");
    }
}
