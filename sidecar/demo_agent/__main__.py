from sidecar.demo_agent.body import main

raise SystemExit(main())
