from sidecar.demo_agent.app import main

raise SystemExit(main())
